using Hindcast.Application.Projects;
using Hindcast.Application.Traces;
using Hindcast.Domain.Projects;
using Hindcast.Domain.Traces;
using MediatR;

namespace Hindcast.Api.Dialects.TraceLlm;

/// <summary>TraceLLM's reading doors (contract 2.2, 2.4, 2.5). All of them count every trace that matches; the original stops at the 5,000 oldest.</summary>
internal static class TraceLlmReads
{
    const int MostRecentFailures = 5;

    /// <summary>The greeting that clients probe for; a browser gets the console.</summary>
    public static IResult Root(HttpContext http) => http.Request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase)
        ? Native.ConsoleDoors.Page(http)
        : TraceLlmAnswers.Ok(new { message = "TraceLLM backend running" });

    public static async Task<IResult> List(HttpContext http, IMediator app, CancellationToken ct)
    {
        var query = new TraceLlmQuery(http.Request.Query);
        var (minLatency, maxLatency) = (query.Number("latency_min", 0), query.Number("latency_max", 0));
        var (minTokens, maxTokens) = (query.Whole("token_min", 0), query.Whole("token_max", 0));
        var limit = query.Whole("limit", 1, 200) ?? 50;
        query.Check();
        if (CallerFor(http, query) is not { } caller) return TraceLlmAnswers.Ok(new { total = 0, items = Array.Empty<TraceLlmTrace>() });

        var page = await app.Send(new ListWholeTraces(caller)
        {
            MinLatency = minLatency,
            MaxLatency = maxLatency,
            MinTokens = minTokens,
            MaxTokens = maxTokens,
            Statuses = query.Text("status") is { } status ? TraceLlmTrace.StatusesOf(status) : null,
            Model = Searched(query.Text("model")),
            NoModel = TraceLlmTrace.NoModel,
            Environment = Searched(query.Text("environment")),
            Limit = (int)limit,
        }, ct);
        return TraceLlmAnswers.Ok(new { total = page.Total, items = page.Traces.Select(Listed) });
    }

    public static async Task<IResult> Get(string traceId, HttpContext http, IMediator app, CancellationToken ct) =>
        TraceLlmAnswers.Ok(TraceLlmTrace.Of(await app.Send(new GetWholeTrace(http.Caller(), traceId), ct)));

    public static async Task<IResult> Analytics(HttpContext http, IMediator app, CancellationToken ct)
    {
        var query = new TraceLlmQuery(http.Request.Query);
        var caller = CallerFor(http, query);
        var sums = caller is null
            ? TraceSums.None
            : await app.Send(new SumUpTraces(caller, Searched(query.Text("environment")), MostRecentFailures), ct);
        return TraceLlmAnswers.Ok(new
        {
            summary = new
            {
                total_traces = sums.Traces,
                success_rate = sums.Traces == 0 ? 0 : Cents(100.0 * sums.With(SpanStatus.Success) / sums.Traces),
                average_latency = Cents(sums.MeanLatency),
                p95_latency = Cents(sums.P95Latency),
                total_token_usage = sums.Tokens,
                failed_traces = sums.With(SpanStatus.Error),
                warning_traces = sums.With(SpanStatus.Warning),
                retries = sums.Retries,
                slow_requests = sums.Slow,
            },
            charts = sums.Hours.Select(h => new { label = h.From.ToString("HH':00'", System.Globalization.CultureInfo.InvariantCulture), latency = Cents(h.MeanLatency), tokens = h.Tokens, traces = h.Traces }),
            status_breakdown = sums.Statuses.Select(s => new { key = TraceLlmTrace.StatusOf(s.Status), count = s.Count }),
            model_breakdown = Merged(sums.Models, TraceLlmTrace.NoModel),
            project_breakdown = Merged(sums.ProjectNames, caller?.Project ?? ""),
            recent_failures = sums.RecentTrouble.Select(Listed),
        });
    }

    public static async Task<IResult> Failures(HttpContext http, IMediator app, CancellationToken ct)
    {
        var query = new TraceLlmQuery(http.Request.Query);
        var limit = (int)(query.Whole("limit", 1, 100) ?? 25);
        query.Check();
        WholeTracePage failed = new(0, []), retried = failed, slow = failed;
        if (CallerFor(http, query) is { } caller)
        {
            var all = new ListWholeTraces(caller) { Environment = Searched(query.Text("environment")), Limit = limit };
            failed = await app.Send(all with { Statuses = [SpanStatus.Error] }, ct);
            retried = await app.Send(all with { Retried = true }, ct);
            slow = await app.Send(all with { Slow = true }, ct);
        }
        return TraceLlmAnswers.Ok(new
        {
            failed_traces = failed.Traces.Select(Listed),
            retries = retried.Traces.Select(Listed),
            slow_requests = slow.Traces.Select(Listed),
            totals = new { failed_traces = failed.Total, retries = retried.Total, slow_requests = slow.Total },
        });
    }

    /// <summary>
    /// The project that is asked about: the key's own, or for an administrator of the default project any. Null for a project that is none of
    /// the caller's, which looks like one without traces.
    /// </summary>
    static Caller? CallerFor(HttpContext http, TraceLlmQuery query)
    {
        var caller = http.Caller();
        return query.Text("project_id") is not { } project || project == caller.Project ? caller
            : caller.Project == Project.Default && caller.May(Scopes.Admin) && Project.IsId(project) ? caller with { Project = project }
            : null;
    }

    /// <summary>Lists say "" where there is no response.</summary>
    static TraceLlmTrace Listed(WholeTrace whole) => TraceLlmTrace.Of(whole) is { Response: null } silent ? silent with { Response = "" } : TraceLlmTrace.Of(whole);

    /// <summary>No text of ours holds NUL, and PostgreSQL would not so much as look for one: a text that none equals.</summary>
    static string? Searched(string? text) => text?.Contains('\0') == true ? "\uFFFF" : text;

    /// <summary>What has no name, and what is named like the name for that, are one.</summary>
    static IEnumerable<object> Merged(IReadOnlyList<Counted> counts, string nameless) => counts
        .GroupBy(c => c.Key ?? nameless, StringComparer.Ordinal)
        .Select(g => (g.Key, Count: g.Sum(c => c.Count)))
        .OrderByDescending(c => c.Count)
        .Select(c => new { key = c.Key, count = c.Count });

    static double Cents(double value) => Math.Round(value, 2);
}
