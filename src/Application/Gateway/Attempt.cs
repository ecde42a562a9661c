using System.Buffers;

namespace Hindcast.Application.Gateway;

/// <summary>How an attempt ended.</summary>
public enum Ending
{
    /// <summary>The provider's answer went through to its end, whatever it said.</summary>
    Answered,
    /// <summary>The caller went away.</summary>
    CallerGone,
    /// <summary>The connection to the provider broke, or never stood.</summary>
    ProviderCut,
    TimedOut,
    /// <summary>We would not take more: the answer was larger than the gateway lets through.</summary>
    TooLarge,
    /// <summary>A fault of our own.</summary>
    Ours,
}

/// <summary>One attempt of a call at one provider: what came back, byte for byte, and when. Read off the path, when the caller has it all.</summary>
public sealed class Attempt(GatewayCall call, Route route, Protocol spoken, TimeProvider clock)
{
    const int Stream = 8 * 1024, Whole = 2 * 1024;

    readonly ArrayBufferWriter<byte> _received = new(call.Form.Stream ? Stream : Whole);
    readonly long _started = clock.GetTimestamp();
    long _firstByte, _ended;

    public GatewayCall Call => call;
    public Route Route => route;
    /// <summary>The call's own for the attempt that counts; those before it stand beside it.</summary>
    public string SpanId => Superseded ? $"{call.SpanId}.{Number}" : call.SpanId;
    /// <summary>What the provider was spoken to in; the answer is in it.</summary>
    public Protocol Spoken => spoken;
    public DateTimeOffset StartedAt { get; } = clock.GetUtcNow();
    public int Number { get; init; } = 1;
    public Guid EventId { get; } = Guid.CreateVersion7(clock.GetUtcNow());

    public bool HasEnded => _ended > 0;
    /// <summary>Null until the provider answered.</summary>
    public int? Status { get; set; }
    public bool IsStream { get; set; }
    public Ending Ending { get; private set; }
    public string? Failure { get; private set; }
    /// <summary>Another attempt followed.</summary>
    public bool Superseded { get; set; }
    public bool CacheHit { get; set; }
    /// <summary>Reads of the provider's stream.</summary>
    public int Chunks { get; private set; }
    public ReadOnlyMemory<byte> Received
    {
        get => _received.WrittenMemory;
        set
        {
            var kept = value.ToArray();
            _received.Clear();
            _received.Write(kept);
        }
    }

    public TimeSpan Latency => clock.GetElapsedTime(_started, _ended);
    /// <summary>Null while nothing came; of an answer that came in one piece it would only repeat the latency.</summary>
    public TimeSpan? TimeToFirstToken => _firstByte > 0 && IsStream ? clock.GetElapsedTime(_started, _firstByte) : null;

    public void Begin(UpstreamAnswer answer) => (Status, IsStream) = (answer.Status, answer.IsEventStream && answer.Status < 400);

    public void Take(ReadOnlySpan<byte> bytes)
    {
        if (_firstByte == 0) _firstByte = clock.GetTimestamp();
        if (bytes.IsEmpty) return;
        Chunks++;
        _received.Write(bytes);
    }

    public void End(Ending ending, string? failure = null)
    {
        _ended = clock.GetTimestamp();
        (Ending, Failure) = (ending, failure);
    }
}
