namespace Hindcast.Application.ReadModels;

/// <summary>Time as rows hold it: µs UTC since 1970, int64.</summary>
public static class Time
{
    public static long Micros(this DateTimeOffset time) => (time.UtcTicks - DateTimeOffset.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;

    public static long Micros(this TimeSpan span) => span.Ticks / TimeSpan.TicksPerMicrosecond;

    public static DateTimeOffset At(long micros) => DateTimeOffset.UnixEpoch.AddTicks(micros * TimeSpan.TicksPerMicrosecond);

    public static TimeSpan Span(long micros) => new(micros * TimeSpan.TicksPerMicrosecond);
}
