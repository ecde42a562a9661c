namespace Hindcast.Application.Gateway;

/// <summary>How long a provider is waited for: for the first byte, for all of it, and no longer than the caller is there.</summary>
sealed class Patience : IDisposable
{
    readonly CancellationToken _gone;
    readonly CancellationTokenSource _first, _all, _any;

    public Patience(TimeSpan first, TimeSpan all, TimeProvider clock, CancellationToken gone)
    {
        _gone = gone;
        _first = new(first, clock);
        _all = new(all, clock);
        _any = CancellationTokenSource.CreateLinkedTokenSource(gone, _first.Token, _all.Token);
    }

    public CancellationToken Token => _any.Token;

    public void FirstByteCame() => _first.CancelAfter(Timeout.InfiniteTimeSpan);

    /// <summary>What a failure means. The texts are for callers and say nothing of addresses or keys.</summary>
    public (Ending Ending, string Message) Explain(Exception e) => e switch
    {
        _ when _gone.IsCancellationRequested => (Ending.CallerGone, "The caller went away."),
        _ when _first.IsCancellationRequested || _all.IsCancellationRequested => (Ending.TimedOut, "The provider took too long."),
        AnswerTooLarge => (Ending.TooLarge, e.Message),
        AddressRefused or HttpRequestException { InnerException: AddressRefused } => (Ending.ProviderCut, "The provider is not at a public address."),
        HttpRequestException or IOException => (Ending.ProviderCut, "The connection to the provider failed."),
        _ => (Ending.Ours, "The gateway failed."),
    };

    public void Dispose()
    {
        _any.Dispose();
        _first.Dispose();
        _all.Dispose();
    }
}

/// <summary>More than the gateway lets through.</summary>
public sealed class AnswerTooLarge(long most) : Exception($"The provider's answer has more than {most} bytes.");
