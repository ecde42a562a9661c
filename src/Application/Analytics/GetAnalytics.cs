using Hindcast.Application.Projects;
using Hindcast.Application.ReadModels;
using Hindcast.Domain.Pricing;
using Hindcast.Domain.Traces;
using MediatR;
using Microsoft.EntityFrameworkCore;

namespace Hindcast.Application.Analytics;

/// <summary>What requests can be told apart by; several together tell each combination apart.</summary>
[Flags]
public enum Dimensions
{
    None = 0,
    Kind = 1,
    Provider = 2,
    Model = 4,
    Environment = 8,
    Status = 16,
}

/// <summary>
/// The project's requests of a window in figures: in one piece or by minutes, hours or days, and by what is asked for. Counts, tokens and
/// money are exact; percentiles are exact up to <see cref="MostExact"/> matching requests and from histograms, within 1 %, beyond.
/// </summary>
/// <param name="From">The first moment in it.</param>
/// <param name="To">The first moment after it.</param>
public sealed record GetAnalytics(Caller Caller, DateTimeOffset From, DateTimeOffset To) : IRequest<Analytics>
{
    public const int MostExact = 10_000;

    /// <summary>Null: the window in one piece.</summary>
    public BucketWidth? By { get; init; }
    public Dimensions GroupBy { get; init; }
    public string? Provider { get; init; }
    public string? Model { get; init; }
    public string? Environment { get; init; }
    /// <summary>Null: any. Success takes warnings in.</summary>
    public SpanStatus? Status { get; init; }
    /// <summary>False where nobody asks for exact percentiles: the values are not read then.</summary>
    public bool Percentiles { get; init; } = true;
    /// <summary>With the prices as they were known then; null: as they are known.</summary>
    public DateTimeOffset? AsKnownAt { get; init; }

    internal sealed class Handler(ServingModels models) : IRequestHandler<GetAnalytics, Analytics>
    {
        public async Task<Analytics> Handle(GetAnalytics query, CancellationToken ct)
        {
            await using var db = models.Open("traces");
            // One snapshot: buckets and spans must tell of the same requests.
            await using var snapshot = await db.Database.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, ct);
            var prices = await PriceRow.BookAsync(db, query.Caller.Project, ct);
            return await new Reading(db, query, query.AsKnownAt is { } then ? prices.AsKnownAt(then) : prices).RunAsync(ct);
        }
    }

    internal sealed class Reading(ReadDb db, GetAnalytics query, PriceBook prices)
    {
        readonly Dictionary<(long At, AnalyticsGroup Group), Figures> _cells = [];
        readonly (long From, long To) _window = (query.From.Micros(), query.To.Micros());
        readonly RequestsOf _requests = new(db, query.Caller.Project)
        {
            Provider = query.Provider, Model = query.Model, Environment = query.Environment, Status = query.Status,
        };

        public async Task<Analytics> RunAsync(CancellationToken ct)
        {
            foreach (var stretch in TimeCover.Of(_window.From, _window.To, query.By ?? BucketWidth.Day, prices.Starts.Select(s => s.Micros())))
            {
                if (stretch.Width is { } width) await AddBucketsAsync(stretch, width, ct);
                else await AddSpansAsync(stretch, ct);
            }
            var exact = _cells.Values.Sum(c => c.Timed) <= MostExact;
            if (exact && query.Percentiles && _cells.Count > 0) await KnowAsync(ct);
            return new(
                [.. _cells.Select(c => new AnalyticsCell(query.By is null ? null : Time.At(c.Key.At), c.Key.Group, c.Value))
                    .OrderBy(c => c.At).ThenByDescending(c => c.Figures.Requests).ThenBy(c => c.Group.ToString(), StringComparer.Ordinal)],
                exact);
        }

        async Task AddBucketsAsync(Stretch stretch, BucketWidth width, CancellationToken ct)
        {
            await foreach (var row in _requests.Buckets(stretch, width).AsAsyncEnumerable().WithCancellation(ct)) Add(row);
        }

        /// <summary>The ends of a window that begin or end within a minute: spans, each a bucket of its own.</summary>
        async Task AddSpansAsync(Stretch stretch, CancellationToken ct)
        {
            var rows = _requests.Spans(stretch.From, stretch.To).Select(x => new SpanRow
            {
                StartedAt = x.StartedAt, Kind = x.Kind, Provider = x.Provider, Model = x.Model, Environment = x.Environment, Status = x.Status,
                Duration = x.Duration, TimeToFirstToken = x.TimeToFirstToken, CacheHit = x.CacheHit, InputTokens = x.InputTokens,
                CacheReadTokens = x.CacheReadTokens, CacheWrite5mTokens = x.CacheWrite5mTokens, CacheWrite1hTokens = x.CacheWrite1hTokens,
                OutputTokens = x.OutputTokens, ReasoningTokens = x.ReasoningTokens, TotalTokens = x.TotalTokens,
            });
            await foreach (var span in rows.AsAsyncEnumerable().WithCancellation(ct))
            {
                var usage = span.Usage()!;
                var key = new BucketKey(
                    query.Caller.Project, BucketWidth.Minute, BucketKey.StartOf(span.StartedAt, BucketWidth.Minute), span.Kind, span.Provider ?? "",
                    span.Model ?? "", span.Environment ?? "", span.Status, BucketKey.PartsOf(usage, span.CacheHit));
                var change = new BucketChange();
                change.Count(new(usage, span.Duration, span.TimeToFirstToken), +1);
                Add(change.Apply(key.Empty()));
            }
        }

        /// <summary>Reads the durations themselves.</summary>
        async Task KnowAsync(CancellationToken ct)
        {
            var rows = await _requests.Spans(_window.From, _window.To)
                .Select(x => new { x.StartedAt, x.Kind, x.Provider, x.Model, x.Environment, x.Status, x.Duration, x.TimeToFirstToken })
                .ToListAsync(ct);
            var values = rows.ToLookup(x => (AtOf(x.StartedAt), GroupOf(x.Kind, x.Provider ?? "", x.Model ?? "", x.Environment ?? "", x.Status)));
            foreach (var (key, figures) in _cells)
                figures.Know(values[key].Select(x => x.Duration).OfType<long>(), values[key].Select(x => x.TimeToFirstToken).OfType<long>());
        }

        void Add(BucketRow row)
        {
            var key = (AtOf(row.Start), GroupOf(row.Kind, row.Provider, row.Model, row.Environment, row.Status));
            if (!_cells.TryGetValue(key, out var figures)) _cells[key] = figures = new();
            figures.Add(row, prices);
        }

        long AtOf(long micros) => query.By is { } width ? BucketKey.StartOf(micros, width) : 0;

        AnalyticsGroup GroupOf(string kind, string provider, string model, string environment, int status) => new(
            Is(Dimensions.Kind) ? kind : null, Is(Dimensions.Provider) ? provider : null, Is(Dimensions.Model) ? model : null,
            Is(Dimensions.Environment) ? environment : null, Is(Dimensions.Status) ? (SpanStatus)status : null);

        bool Is(Dimensions dimension) => query.GroupBy.HasFlag(dimension);
    }
}

/// <param name="Cells">By time, then the busiest first; only those with requests in them.</param>
/// <param name="Exact">Percentiles are the values themselves.</param>
public sealed record Analytics(IReadOnlyList<AnalyticsCell> Cells, bool Exact);

/// <param name="At">When the piece begins; null where the window is one piece.</param>
public sealed record AnalyticsCell(DateTimeOffset? At, AnalyticsGroup Group, Figures Figures);

/// <summary>What the requests of a cell have in common; null where they were not told apart by it, empty where it is unknown.</summary>
public sealed record AnalyticsGroup(string? Kind, string? Provider, string? Model, string? Environment, SpanStatus? Status);
