using Hindcast.Application.Analytics;
using Hindcast.Application.ReadModels;
using Hindcast.Application.Search;
using Hindcast.Domain.Alerts;
using Hindcast.Domain.Pricing;
using MediatR;
using Microsoft.EntityFrameworkCore;

namespace Hindcast.Application.Alerts;

/// <summary>A filter as it is stored to one that can be asked.</summary>
/// <param name="now">What its relative times are counted back from.</param>
/// <exception cref="BadRequest">It has no meaning.</exception>
public delegate Filter FilterWords(string json, DateTimeOffset now);

/// <summary>The requests of a project that a filter takes, minute by minute: from the buckets where it takes all, else from the requests themselves.</summary>
/// <param name="Filter">JSON; null: every request.</param>
/// <param name="From">A whole minute; in it.</param>
/// <param name="To">A whole minute; not in it.</param>
/// <exception cref="Unprocessable">There are too many to read.</exception>
public sealed record MeasureRequests(string Project, string? Filter, DateTimeOffset From, DateTimeOffset To) : IRequest<RequestMinutes>
{
    /// <summary>A filter's requests are read one by one, up to this many.</summary>
    public const int MostRead = 100_000;
    const int PageSize = 1_000;

    static readonly Field s_request = new("request", FieldType.Whole, "CASE WHEN r.request THEN 1 ELSE 0 END", c => ((SpanRow)c.Row).Request ? 1L : 0L);

    internal sealed class Handler(ServingModels models, Finder finder, FilterWords words) : IRequestHandler<MeasureRequests, RequestMinutes>
    {
        public async Task<RequestMinutes> Handle(MeasureRequests query, CancellationToken ct)
        {
            var filter = query.Filter is { } json ? words(json, query.To) : Search.Filter.Everything;
            await using var db = models.Open("traces");
            var prices = await PriceRow.BookAsync(db, query.Project, ct);
            var (rows, read) = (new List<BucketRow>(), 0);
            foreach (var stretch in TimeCover.Of(query.From.Micros(), query.To.Micros(), BucketWidth.Minute, prices.Starts.Select(s => s.Micros())))
            {
                if (query.Filter is null && stretch.Width is { } width) rows.AddRange(await new RequestsOf(db, query.Project).Buckets(stretch, width).ToListAsync(ct));
                else rows.AddRange(await SumAsync(stretch));
            }
            return new([.. rows.OrderBy(r => r.Start)], prices);

            async Task<IEnumerable<BucketRow>> SumAsync(Stretch stretch)
            {
                var (changes, time) = (new Dictionary<BucketKey, BucketChange>(), SpanCatalogue.Instance.Field("ts"));
                var all = filter.And(new All(
                [
                    new Compare(time, Search.Comparison.GreaterOrEqual, stretch.From), new Compare(time, Search.Comparison.Less, stretch.To), new OneOf(s_request, [1L], Negated: false),
                ]));
                var search = new Search.Search(SpanCatalogue.Instance, [query.Project], all, new(time, Descending: false), null, PageSize) { WithTexts = false };
                do
                {
                    var page = await finder.FindAsync<SpanRow>(search, ct);
                    if ((read += page.Rows.Count) > MostRead)
                        throw new Unprocessable("too_many_requests_to_read", $"The filter takes more than {MostRead} requests; narrow it, or choose a shorter time range");
                    foreach (var span in page.Rows) Count(span);
                    search = search with { After = page.Next };
                }
                while (search.After is not null);
                return changes.Select(c => c.Value.Apply(c.Key.Empty()));

                void Count(SpanRow span)
                {
                    // No bucket begins before the price that holds for it.
                    var start = Math.Max(BucketKey.StartOf(span.StartedAt, BucketWidth.Minute), stretch.From);
                    var key = new BucketKey(
                        query.Project, BucketWidth.Minute, start, span.Kind, span.Provider ?? "", span.Model ?? "", span.Environment ?? "", span.Status,
                        BucketKey.PartsOf(span.Usage(), span.CacheHit));
                    if (!changes.TryGetValue(key, out var change)) changes[key] = change = new();
                    change.Count(new(span.Usage(), span.Duration, span.TimeToFirstToken), +1);
                }
            }
        }
    }
}

/// <summary>Minutes of requests, from which windows are cut.</summary>
/// <param name="Rows">By time.</param>
public sealed record RequestMinutes(IReadOnlyList<BucketRow> Rows, PriceBook Prices)
{
    const decimal PicoPerUsd = 1_000_000_000_000m;

    /// <summary>What a rule's window comes to that ends at a moment; null when it is unknown.</summary>
    public double? ValueOf(Alert rule, DateTimeOffset end)
    {
        var (from, to) = (end.AddMinutes(-rule.WindowMinutes).Micros(), end.Micros());
        var figures = new Figures();
        for (var i = FirstFrom(from); i < Rows.Count && Rows[i].Start < to; i++) figures.Add(Rows[i], Prices);
        return rule.Metric switch
        {
            AlertMetric.ErrorRate => figures.ErrorRate,
            AlertMetric.P95Ms => figures.PercentileMs(95),
            // Nothing costs nothing; something of unknown price is unknown.
            AlertMetric.CostUsd => figures.Requests == 0 ? 0 : figures.Cost.Total is { } pico ? (double)(pico / PicoPerUsd) : null,
            _ => figures.Requests,
        };
    }

    int FirstFrom(long from)
    {
        var (low, high) = (0, Rows.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (Rows[middle].Start < from) low = middle + 1;
            else high = middle;
        }
        return low;
    }
}
