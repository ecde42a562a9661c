namespace Hindcast.Application.ReadModels;

/// <summary>Time as rows hold it: µs UTC since 1970, int64.</summary>
public static class Time
{
    /// <summary>Before anything and after everything that is believed, in whole days.</summary>
    public const long Earliest = 0;
    public const long Latest = 200L * 366 * 86_400_000_000;

    public static long Micros(this DateTimeOffset time) => (time.UtcTicks - DateTimeOffset.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;

    public static long Micros(this TimeSpan span) => span.Ticks / TimeSpan.TicksPerMicrosecond;

    public static DateTimeOffset At(long micros) => DateTimeOffset.UnixEpoch.AddTicks(micros * TimeSpan.TicksPerMicrosecond);

    /// <summary>Days since 1970, UTC.</summary>
    public static int Day(this DateTimeOffset time) => (int)((time.UtcTicks - DateTimeOffset.UnixEpoch.Ticks) / TimeSpan.TicksPerDay);

    /// <summary>Weeks since the Monday before 1970, UTC.</summary>
    public static int Week(this DateTimeOffset time) => (int)((time.UtcDateTime - s_monday).Ticks / TimeSpan.FromDays(7).Ticks);

    /// <summary>The first moment after a week.</summary>
    public static DateTimeOffset WeekEnd(int week) => new(s_monday.AddDays(7L * (week + 1)));

    static readonly DateTime s_monday = new(1969, 12, 29, 0, 0, 0, DateTimeKind.Utc);

    public static TimeSpan Span(long micros) => new(micros * TimeSpan.TicksPerMicrosecond);
}
