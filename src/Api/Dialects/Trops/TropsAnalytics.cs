using System.Text.Json;
using Hindcast.Api.Native;
using Hindcast.Application;
using Hindcast.Application.Analytics;
using Hindcast.Application.ReadModels;
using Hindcast.Domain.Traces;
using MediatR;

namespace Hindcast.Api.Dialects.Trops;

/// <summary>
/// <c>GET /v1/analytics/requests</c> and <c>/v1/analytics/overview</c> (TROPS contract, 1.2 and 1.3). Latencies are whole ms, money US cents;
/// what is not known of a single request is null.
/// </summary>
internal static class TropsAnalytics
{
    const int MostPerPage = 100;
    const decimal PicoPerCent = 10_000_000_000m;

    /// <summary>Requests, newest first: <c>page</c>, <c>page_size</c> (1 to 100), <c>status</c>, <c>model</c>, <c>start_date</c>, <c>end_date</c>.</summary>
    public static async Task<IResult> Requests(HttpContext http, IMediator app, CancellationToken ct)
    {
        var given = new TropsQuery(http.Request.Query);
        var query = new ListRequests(http.Caller(), given.Whole("page", 1, int.MaxValue), given.Whole("page_size", 50, MostPerPage))
        {
            Status = given.Choice("status", (SpanStatus?)null, ("ok", SpanStatus.Success), ("error", SpanStatus.Error)),
            Model = given.Text("model"),
            From = given.Moment("start_date", endOfDay: false),
            To = given.Moment("end_date", endOfDay: true),
        };
        if (query.From >= query.To) throw new BadRequest("end_date", "end_date must lie after start_date");
        var page = await app.Send(query, ct);
        return Results.Json(new { items = page.Rows.Select(ItemOf), total = page.Total, page = query.Page, page_size = query.PageSize }, Envelope.Full);
    }

    /// <summary>
    /// Every bucket of the window, empty ones too: <c>window</c> 1h, 24h, 7d or 30d and <c>bucket</c> minute, hour or day. Latencies are those of
    /// the requests that completed, 0 when none did. The window ends now, or at <c>as_of</c>, which is ours.
    /// </summary>
    public static async Task<IResult> Overview(HttpContext http, IMediator app, CancellationToken ct)
    {
        var given = new TropsQuery(http.Request.Query);
        var window = given.Choice("window", TimeSpan.FromHours(24), ("1h", TimeSpan.FromHours(1)), ("24h", TimeSpan.FromHours(24)), ("7d", TimeSpan.FromDays(7)), ("30d", TimeSpan.FromDays(30)));
        var width = given.Choice("bucket", BucketWidth.Hour, ("minute", BucketWidth.Minute), ("hour", BucketWidth.Hour), ("day", BucketWidth.Day));

        var now = http.Now();
        var (first, last) = (BucketKey.StartOf((now - window).Micros(), width), BucketKey.StartOf(now.Micros(), width));
        var query = new GetAnalytics(http.Caller(), Time.At(first), Time.At(last + BucketKey.Micros(width))) { By = width };
        var all = (await app.Send(query with { Percentiles = false }, ct)).Cells.ToDictionary(c => c.At!.Value, c => c.Figures);
        var completed = (await app.Send(query with { Status = SpanStatus.Success }, ct)).Cells.ToDictionary(c => c.At!.Value, c => c.Figures);

        var buckets = new List<object>();
        for (var start = first; start <= last; start += BucketKey.Micros(width))
            buckets.Add(BucketOf(Time.At(start), all.GetValueOrDefault(Time.At(start)), completed.GetValueOrDefault(Time.At(start))));
        return Results.Json(new { buckets }, Envelope.Full);
    }

    static object BucketOf(DateTimeOffset start, Figures? all, Figures? completed) => new
    {
        timestamp = start.UtcDateTime,
        request_count = all?.Requests ?? 0,
        error_count = all?.Errors ?? 0,
        error_rate = Rounded(all?.ErrorRate),
        avg_latency_ms = Whole(completed?.AverageMs),
        p50_latency_ms = Whole(completed?.PercentileMs(50)),
        p75_latency_ms = Whole(completed?.PercentileMs(75)),
        p90_latency_ms = Whole(completed?.PercentileMs(90)),
        p95_latency_ms = Whole(completed?.PercentileMs(95)),
        p99_latency_ms = Whole(completed?.PercentileMs(99)),
        total_cost_cents = (all?.Cost.Total ?? 0) / PicoPerCent,
        unpriced_count = all?.Unpriced ?? 0,
        prompt_tokens = all?.PromptTokens ?? 0,
        completion_tokens = all?.OutputTokens ?? 0,
        cache_hit_rate = Rounded(all?.CacheHitRate),
    };

    static object ItemOf(SpanRow row) => new
    {
        id = "req_" + ListRequests.IdOf(row),
        request_id = UpstreamIdOf(row),
        model = row.Model,
        status = row.Status == (int)SpanStatus.Error ? "error" : "ok",
        latency_ms = row.Duration is { } took ? Whole(took / 1_000.0) : (long?)null,
        prompt_tokens = row.Usage()!.Prompt,
        completion_tokens = row.OutputTokens,
        total_tokens = row.TotalTokens,
        cost_cents = row.TotalCost / PicoPerCent,
        created_at = Time.At(row.StartedAt).UtcDateTime,
    };

    static string? UpstreamIdOf(SpanRow row)
    {
        if (row.Attributes is null) return null;
        using var attributes = JsonDocument.Parse(row.Attributes, new JsonDocumentOptions { MaxDepth = 1024 });
        return attributes.RootElement.TryGetProperty(ModelRequest.ResponseId, out var id) && id.ValueKind == JsonValueKind.String ? id.GetString() : null;
    }

    static double Rounded(double? share) => Math.Round(share ?? 0, 3, MidpointRounding.AwayFromZero);

    static long Whole(double? ms) => (long)Math.Round(ms ?? 0, MidpointRounding.AwayFromZero);
}
