using Hindcast.Application;
using Hindcast.Application.Analytics;
using Hindcast.Application.Projects;

namespace Hindcast.Api.Dialects.Observatory;

/// <summary>What the contract's doors for figures (4.11) have in common: one project, a window, and equal values of a few fields.</summary>
internal sealed class ObservatoryWindow
{
    readonly ObservatoryQuery.Parameters _given;

    public ObservatoryWindow(HttpContext http)
    {
        Now = http.Now();
        _given = new(http.Request.Query, Now);
        Caller = Of(http.Caller(), _given.Text("project_id"));
    }

    public DateTimeOffset Now { get; }
    public Caller Caller { get; }

    /// <summary>The project that is named, else the caller's own.</summary>
    public static Caller Of(Caller caller, string? project) =>
        ObservatoryQuery.Reach(caller, project) is [var one] ? caller with { Project = one } : caller;

    public string? Text(string name) => _given.Text(name);

    public IReadOnlyList<string> List(string name) => _given.Text(name)?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [];

    public bool Flag(string name, bool otherwise) => _given.Text(name) switch
    {
        null => otherwise,
        "true" or "1" => true,
        "false" or "0" => false,
        _ => throw new BadRequest(name, $"{name} must be true or false"),
    };

    public int Whole(string name, int otherwise, int least, int most) => _given.Whole(name) switch
    {
        null => otherwise,
        { } value when value >= least && value <= most => (int)value,
        _ => throw new BadRequest(name, $"{name} must be between {least} and {most}"),
    };

    public decimal? Usd(string name) => _given.Usd(name);

    public (DateTimeOffset From, DateTimeOffset To) Times(double days, int mostDays, string start = "start_time", string end = "end_time")
    {
        var to = Believed(_given.Time(end) ?? Now, end);
        return Checked(_given.Time(start) ?? to.AddDays(-days), to, mostDays, start);
    }

    /// <exception cref="BadRequest">It is empty or too long.</exception>
    public static (DateTimeOffset From, DateTimeOffset To) Checked(DateTimeOffset from, DateTimeOffset to, int mostDays, string name)
    {
        if (Believed(from, name) >= Believed(to, name)) throw new BadRequest(name, "Start time must be before end time");
        return (to - from).TotalDays > mostDays ? throw new BadRequest(name, $"Maximum time range is {mostDays} days") : (from, to);
    }

    /// <summary>Years are counted back and ahead from it.</summary>
    static DateTimeOffset Believed(DateTimeOffset time, string name) =>
        time.Year is > 1971 and < 9_000 ? time : throw new BadRequest(name, $"{name} lies before 1972 or after 8999");

    public GetAnalytics Ask((DateTimeOffset From, DateTimeOffset To) times) => new(Caller, times.From, times.To)
    {
        Provider = Text("provider"), Model = Text("model"), Environment = Text("environment"), UserId = Text("user_id"), Percentiles = false,
    };
}
