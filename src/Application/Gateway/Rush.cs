namespace Hindcast.Application.Gateway;

/// <summary>Whether calls keep the processors busy, for one who looks every so often. Somebody waits for each of them, and for what follows from it seldom.</summary>
sealed class Rush(CallsAtOnce calls, TimeProvider clock)
{
    /// <summary>How often to look.</summary>
    public static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);

    /// <summary>What gives way does so for this long, and then goes on beside the calls.</summary>
    public static readonly TimeSpan MostBehind = TimeSpan.FromSeconds(1);

    /// <summary>Calls come in gusts: a look that sees few of them does not mean that they are over.</summary>
    static readonly TimeSpan s_lull = TimeSpan.FromMilliseconds(100);

    /// <summary>A call takes a processor for about this long; calls that take a tenth of all processors are many.</summary>
    static readonly TimeSpan s_call = TimeSpan.FromMilliseconds(0.1);
    static readonly double s_many = Environment.ProcessorCount / 10.0;

    long _begun = calls.Begun, _since = clock.GetTimestamp();
    long? _many;

    /// <summary>Of calls since it was asked last, and for a while after.</summary>
    public bool IsOn()
    {
        var (begun, now) = (calls.Begun, clock.GetTimestamp());
        var (came, elapsed) = (begun - _begun, clock.GetElapsedTime(_since, now));
        (_begun, _since) = (begun, now);
        if (came * s_call > elapsed * s_many) _many = now;
        // It was asked long ago, and one that came may be the first of many: another look will tell.
        return (came > 0 && elapsed > 2 * Look) || (_many is { } last && clock.GetElapsedTime(last, now) < s_lull);
    }
}
