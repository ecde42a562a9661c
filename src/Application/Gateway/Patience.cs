namespace Hindcast.Application.Gateway;

/// <summary>How long a provider is waited for: for the first byte, for all of it, and no longer than the caller is there.</summary>
sealed class Patience : IDisposable
{
    readonly CancellationToken _gone;
    readonly TimeSpan _all;
    readonly TimeProvider _clock;
    readonly long _since;
    readonly CancellationTokenSource _over;
    readonly CancellationTokenRegistration _left;

    public Patience(TimeSpan first, TimeSpan all, TimeProvider clock, CancellationToken gone)
    {
        (_gone, _all, _clock, _since) = (gone, all, clock, clock.GetTimestamp());
        _over = new(first < all ? first : all, clock);
        _left = gone.UnsafeRegister(static over => ((CancellationTokenSource)over!).Cancel(), _over);
    }

    public CancellationToken Token => _over.Token;

    public void FirstByteCame()
    {
        var left = _all - _clock.GetElapsedTime(_since);
        _over.CancelAfter(left > TimeSpan.Zero ? left : TimeSpan.Zero);
    }

    /// <summary>What a failure means. The texts are for callers and say nothing of addresses or keys.</summary>
    public (Ending Ending, string Message) Explain(Exception e) => e switch
    {
        _ when _gone.IsCancellationRequested => (Ending.CallerGone, "The caller went away."),
        _ when _over.IsCancellationRequested => (Ending.TimedOut, "The provider took too long."),
        AnswerTooLarge => (Ending.TooLarge, e.Message),
        AddressRefused or HttpRequestException { InnerException: AddressRefused } => (Ending.ProviderCut, "The provider is not at a public address."),
        HttpRequestException or IOException => (Ending.ProviderCut, "The connection to the provider failed."),
        _ => (Ending.Ours, "The gateway failed."),
    };

    public void Dispose()
    {
        _left.Dispose();
        _over.Dispose();
    }
}

/// <summary>More than the gateway lets through.</summary>
public sealed class AnswerTooLarge(long most) : Exception($"The provider's answer has more than {most} bytes.");
