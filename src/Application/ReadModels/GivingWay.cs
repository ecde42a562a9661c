using Hindcast.Application.Gateway;

namespace Hindcast.Application.ReadModels;

/// <summary>
/// Somebody waits for each call of a model, and for a view seldom: a follower rests while calls keep the processors busy, and what has gathered by then
/// costs less. Not for ever: it goes on when it is a second behind, and at once for who asks for a position.
/// </summary>
sealed class GivingWay(CallsAtOnce calls, TimeProvider clock)
{
    static readonly TimeSpan s_mostBehind = TimeSpan.FromSeconds(1), s_look = TimeSpan.FromMilliseconds(20);

    /// <summary>Calls come in gusts: a look that sees few of them does not mean that they are over.</summary>
    static readonly TimeSpan s_lull = TimeSpan.FromMilliseconds(100);

    /// <summary>A call takes a processor for about this long; calls that take a fifth of all processors are many.</summary>
    static readonly TimeSpan s_call = TimeSpan.FromMilliseconds(0.1);
    static readonly double s_many = Environment.ProcessorCount / 5.0;

    long _begun = calls.Begun, _since = clock.GetTimestamp();
    long? _many;

    /// <param name="recordedAt">When the newest fact that can be read was recorded.</param>
    public async Task RestAsync(ProjectionProgress progress, DateTimeOffset? recordedAt, CancellationToken ct)
    {
        while (Rests(progress.IsWaitedFor, recordedAt)) await progress.WokenAsync(s_look, clock, ct);
    }

    internal bool Rests(bool waitedFor, DateTimeOffset? recordedAt) => AreMany() && !waitedFor && clock.GetUtcNow() - recordedAt < s_mostBehind;

    /// <summary>Of calls since it was asked last, and for a while after.</summary>
    bool AreMany()
    {
        var (begun, now) = (calls.Begun, clock.GetTimestamp());
        var (came, elapsed) = (begun - _begun, clock.GetElapsedTime(_since, now));
        (_begun, _since) = (begun, now);
        if (came * s_call > elapsed * s_many) _many = now;
        // It was asked long ago, and one that came may be the first of many: another look will tell.
        return (came > 0 && elapsed > 2 * s_look) || (_many is { } last && clock.GetElapsedTime(last, now) < s_lull);
    }
}
