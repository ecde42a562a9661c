using Hindcast.Application;
using Hindcast.Application.Analytics;
using Hindcast.Application.ReadModels;
using Hindcast.Domain.Pricing;
using MediatR;

namespace Hindcast.Api.Native;

/// <summary><c>GET /api/v1/costs</c>: what requests cost. USD; a part nobody knows the price of is null, and <c>unpriced</c> counts the requests left out.</summary>
internal static class CostDoors
{
    static readonly Dictionary<string, Dimensions> s_dimensions = new(StringComparer.Ordinal)
    {
        ["kind"] = Dimensions.Kind, ["provider"] = Dimensions.Provider, ["model"] = Dimensions.Model, ["environment"] = Dimensions.Environment,
    };

    static readonly Dictionary<string, BucketWidth> s_widths = new(StringComparer.Ordinal) { ["hour"] = BucketWidth.Hour, ["day"] = BucketWidth.Day };

    /// <summary>
    /// <c>as_known_at</c> takes the prices as they were known then. <c>from</c> is in it, <c>to</c> is not; <c>group_by</c> is any of kind,
    /// provider, model, environment and one of hour, day, joined by commas.
    /// </summary>
    public static async Task<IResult> Get(HttpContext http, IMediator app, CancellationToken ct)
    {
        var given = new QueryValues(http.Request.Query);
        var (from, to, then) = (given.Moment("from"), given.Moment("to"), given.Moment("as_known_at"));
        if (from >= to) throw new BadRequest("to", "to must lie after from");
        var query = new GetAnalytics(http.Caller(), from ?? Time.At(Time.Earliest), to ?? Time.At(Time.Latest))
        {
            AsKnownAt = then, Percentiles = false, Provider = given.Text("provider"), Model = given.Text("model"), Environment = given.Text("environment"),
        };
        foreach (var word in given.Text("group_by")?.Split(',', StringSplitOptions.TrimEntries) ?? [])
        {
            if (s_dimensions.TryGetValue(word, out var dimension)) query = query with { GroupBy = query.GroupBy | dimension };
            else if (s_widths.TryGetValue(word, out var width) && query.By is null) query = query with { By = width };
            else throw new BadRequest("group_by", "group_by must be some of kind, provider, model, environment, and one of hour, day");
        }
        var cells = (await app.Send(query, ct)).Cells;
        return Results.Json(new
        {
            as_known_at = then?.UtcDateTime,
            from = from?.UtcDateTime,
            to = to?.UtcDateTime,
            items = cells.Select(c => new
            {
                at = c.At?.UtcDateTime, c.Group.Kind, c.Group.Provider, c.Group.Model, c.Group.Environment, c.Figures.Requests, c.Figures.Unpriced,
                tokens = new
                {
                    input = c.Figures.InputTokens, cache_read = c.Figures.CacheReadTokens, cache_write = c.Figures.CacheWriteTokens, output = c.Figures.OutputTokens,
                    total = c.Figures.TotalTokens,
                },
                cost = CostOf(c.Figures.Cost),
            }),
            requests = cells.Sum(c => c.Figures.Requests),
            unpriced = cells.Sum(c => c.Figures.Unpriced),
            total_usd = TreeJson.UsdOf(cells.Aggregate(Cost.Unknown, (sum, c) => sum.Plus(c.Figures.Cost)).Total),
        }, Envelope.Json);
    }

    static object CostOf(Cost cost) => new
    {
        input_usd = TreeJson.UsdOf(cost.Input), cache_read_usd = TreeJson.UsdOf(cost.CacheRead), cache_write_usd = TreeJson.UsdOf(cost.CacheWrite),
        output_usd = TreeJson.UsdOf(cost.Output), total_usd = TreeJson.UsdOf(cost.Total),
    };
}
