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
    const int FirstBytes = 1024, LargestLent = 16 * 1024, MostLent = 2_048;

    /// <summary>
    /// Of this house alone: what came waits for its turn to be recorded, thousands of answers at a time, and an array that is used again lies still,
    /// where a new one is moved by every collection that it waits through.
    /// </summary>
    static readonly ArrayPool<byte> s_room = ArrayPool<byte>.Create(LargestLent, MostLent);

    byte[]? _lent;
    readonly long _started = clock.GetTimestamp();
    long _firstByte, _ended;
    Guid? _eventId;

    public GatewayCall Call => call;
    public Route Route => route;
    /// <summary>The call's own for the attempt that counts; those before it stand beside it.</summary>
    public string SpanId => Superseded ? $"{call.SpanId}.{Number}" : call.SpanId;
    /// <summary>What the provider was spoken to in; the answer is in it.</summary>
    public Protocol Spoken => spoken;
    public DateTimeOffset StartedAt { get; } = clock.GetUtcNow();
    public int Number { get; init; } = 1;
    /// <summary>Made when it is asked for, off the path: chance is asked of the system, which takes as long as reading the request.</summary>
    public Guid EventId => _eventId ??= Guid.CreateVersion7(StartedAt);

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
    /// <summary>Good until more comes, and until it is let go of.</summary>
    public ReadOnlyMemory<byte> Received { get; set; }
    /// <summary>Bytes of memory that it takes.</summary>
    public int Held => _lent?.Length ?? Received.Length;

    public TimeSpan Latency => clock.GetElapsedTime(_started, _ended);
    /// <summary>Null while nothing came; of an answer that came in one piece it would only repeat the latency.</summary>
    public TimeSpan? TimeToFirstToken => _firstByte > 0 && IsStream ? clock.GetElapsedTime(_started, _firstByte) : null;

    public void Begin(UpstreamAnswer answer) => (Status, IsStream) = (answer.Status, answer.IsEventStream && answer.Status < 400);

    public void Take(ReadOnlySpan<byte> bytes)
    {
        if (_firstByte == 0) _firstByte = clock.GetTimestamp();
        if (bytes.IsEmpty) return;
        Chunks++;
        var (before, length) = (Received, Received.Length + bytes.Length);
        if (_lent is null || _lent.Length < length)
        {
            var larger = s_room.Rent(Math.Max(length, Math.Max(FirstBytes, 2 * before.Length)));
            before.CopyTo(larger);
            GiveBack();
            _lent = larger;
        }
        bytes.CopyTo(_lent.AsSpan(before.Length));
        Received = _lent.AsMemory(0, length);
    }

    public void End(Ending ending, string? failure = null)
    {
        _ended = clock.GetTimestamp();
        (Ending, Failure) = (ending, failure);
    }

    /// <summary>What was received is not asked for any more.</summary>
    public void LetGo()
    {
        Received = default;
        GiveBack();
    }

    void GiveBack()
    {
        if (_lent is { } lent) s_room.Return(lent);
        _lent = null;
    }
}
