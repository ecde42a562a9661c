using System.Text.Json;
using Hindcast.Application.Projects;
using Hindcast.Application.ReadModels;
using Hindcast.Application.Search;
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
    /// <summary>Success takes warnings in.</summary>
    Status = 16,
    User = 32,
    Session = 64,
    /// <summary>The attribute <c>team</c>, else <c>team_id</c>.</summary>
    Team = 128,
    /// <summary>A request with several tags counts under each of them.</summary>
    Tag = 256,
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
    /// <summary>What buckets do not know is read from the requests themselves, up to this many.</summary>
    public const int MostRead = 500_000;
    const Dimensions OfSpans = Dimensions.User | Dimensions.Session | Dimensions.Team | Dimensions.Tag;

    /// <summary>Null: the window in one piece.</summary>
    public BucketWidth? By { get; init; }
    /// <summary>How many of <see cref="By"/> make a piece.</summary>
    public int Times { get; init; } = 1;
    public Dimensions GroupBy { get; init; }
    public string? Provider { get; init; }
    public string? Model { get; init; }
    public string? Environment { get; init; }
    /// <summary>Null: any. Success takes warnings in.</summary>
    public SpanStatus? Status { get; init; }
    public string? UserId { get; init; }
    /// <summary>Of what a request is in every dimension; null: any. Of users and sessions it knows where <see cref="People"/> says so.</summary>
    public Func<AnalyticsGroup, bool>? Where { get; init; }
    /// <summary>Different users and sessions are wanted.</summary>
    public bool People { get; init; }
    /// <summary>It is answered from the requests themselves, because buckets do not know enough.</summary>
    public bool FromSpans => People || UserId is not null || (GroupBy & OfSpans) != 0;
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
            Provider = query.Provider, Model = query.Model, Environment = query.Environment, Status = query.Status, UserId = query.UserId,
        };

        public async Task<Analytics> RunAsync(CancellationToken ct)
        {
            if (query.FromSpans) await AddAllSpansAsync(ct);
            else
            {
                foreach (var stretch in TimeCover.Of(_window.From, _window.To, query.By ?? BucketWidth.Day, prices.Starts.Select(s => s.Micros())))
                {
                    if (stretch.Width is { } width) await AddBucketsAsync(stretch, width, ct);
                    else await AddSpansAsync(stretch, ct);
                }
            }
            var exact = _cells.Values.Sum(c => c.Timed) <= MostExact;
            if (exact && query.Percentiles && _cells.Count > 0) await KnowAsync(ct);
            return new(
                [.. _cells.Select(c => new AnalyticsCell(query.By is null ? null : Time.At(c.Key.At), c.Key.Group, c.Value))
                    .OrderBy(c => c.At).ThenByDescending(c => c.Figures.Requests).ThenBy(c => c.Group.ToString(), StringComparer.Ordinal)],
                exact);
        }

        /// <exception cref="Unprocessable">There are too many of them.</exception>
        async Task AddAllSpansAsync(CancellationToken ct)
        {
            if (await _requests.Spans(_window.From, _window.To).Take(MostRead + 1).CountAsync(ct) > MostRead)
                throw new Unprocessable("too_many_requests_to_read", $"Users, sessions, teams and tags are read from the requests themselves, at most {MostRead}; choose a shorter time range");
            await AddSpansAsync(new(_window.From, _window.To, null), ct);
        }

        async Task AddBucketsAsync(Stretch stretch, BucketWidth width, CancellationToken ct)
        {
            await foreach (var row in _requests.Buckets(stretch, width).AsAsyncEnumerable().WithCancellation(ct)) Add(row, null);
        }

        /// <summary>Spans, each a bucket of its own.</summary>
        async Task AddSpansAsync(Stretch stretch, CancellationToken ct)
        {
            await foreach (var span in SpansOf(stretch.From, stretch.To).AsAsyncEnumerable().WithCancellation(ct))
            {
                var usage = span.Usage()!;
                var key = new BucketKey(
                    query.Caller.Project, BucketWidth.Minute, span.StartedAt, span.Kind, span.Provider ?? "", span.Model ?? "", span.Environment ?? "", span.Status,
                    BucketKey.PartsOf(usage, span.CacheHit));
                var change = new BucketChange();
                change.Count(new(usage, span.Duration, span.TimeToFirstToken), +1);
                Add(change.Apply(key.Empty()), span);
            }
        }

        /// <summary>Reads the durations themselves.</summary>
        async Task KnowAsync(CancellationToken ct)
        {
            var values = new Dictionary<Figures, (List<long> Durations, List<long> FirstTokens)>();
            await foreach (var span in SpansOf(_window.From, _window.To).AsAsyncEnumerable().WithCancellation(ct))
            {
                foreach (var figures in FiguresOf(span.StartedAt, GroupOf(span.Kind, span.Provider, span.Model, span.Environment, span.Status), span))
                {
                    if (!values.TryGetValue(figures, out var known)) values[figures] = known = ([], []);
                    if (span.Duration is { } duration) known.Durations.Add(duration);
                    if (span.TimeToFirstToken is { } first) known.FirstTokens.Add(first);
                }
            }
            foreach (var (figures, known) in values) figures.Know(known.Durations, known.FirstTokens);
        }

        IQueryable<SpanRow> SpansOf(long from, long to)
        {
            var spans = _requests.Spans(from, to);
            return (query.GroupBy & (Dimensions.Team | Dimensions.Tag)) != 0
                ? spans.Select(x => new SpanRow
                {
                    StartedAt = x.StartedAt, Kind = x.Kind, Provider = x.Provider, Model = x.Model, Environment = x.Environment, Status = x.Status,
                    Duration = x.Duration, TimeToFirstToken = x.TimeToFirstToken, CacheHit = x.CacheHit, InputTokens = x.InputTokens,
                    CacheReadTokens = x.CacheReadTokens, CacheWrite5mTokens = x.CacheWrite5mTokens, CacheWrite1hTokens = x.CacheWrite1hTokens,
                    OutputTokens = x.OutputTokens, ReasoningTokens = x.ReasoningTokens, TotalTokens = x.TotalTokens, UserId = x.UserId, SessionId = x.SessionId,
                    Attributes = x.Attributes,
                })
                : spans.Select(x => new SpanRow
                {
                    StartedAt = x.StartedAt, Kind = x.Kind, Provider = x.Provider, Model = x.Model, Environment = x.Environment, Status = x.Status,
                    Duration = x.Duration, TimeToFirstToken = x.TimeToFirstToken, CacheHit = x.CacheHit, InputTokens = x.InputTokens,
                    CacheReadTokens = x.CacheReadTokens, CacheWrite5mTokens = x.CacheWrite5mTokens, CacheWrite1hTokens = x.CacheWrite1hTokens,
                    OutputTokens = x.OutputTokens, ReasoningTokens = x.ReasoningTokens, TotalTokens = x.TotalTokens, UserId = x.UserId, SessionId = x.SessionId,
                });
        }

        void Add(BucketRow row, SpanRow? span)
        {
            var whole = GroupOf(row.Kind, row.Provider, row.Model, row.Environment, row.Status);
            if (span is null)
            {
                // What would count it in several cells, or in another one, only spans know.
                if (query.Where?.Invoke(whole) != false) CellOf(row.Start, whole, null, null).Add(row, prices);
                return;
            }
            foreach (var figures in FiguresOf(row.Start, whole, span))
            {
                figures.Add(row, prices);
                if (query.People) figures.Meet(span.UserId, span.SessionId);
            }
        }

        static AnalyticsGroup GroupOf(string kind, string? provider, string? model, string? environment, int status) =>
            new(kind, provider ?? "", model ?? "", environment ?? "", (SpanStatus)status);

        /// <summary>Where it counts: one cell, none, or one for each tag.</summary>
        IEnumerable<Figures> FiguresOf(long micros, AnalyticsGroup whole, SpanRow span)
        {
            if (query.FromSpans) whole = whole with { UserId = span.UserId ?? "", SessionId = span.SessionId ?? "" };
            if (query.Where?.Invoke(whole) == false) yield break;
            foreach (var (team, tag) in MarksOf(span)) yield return CellOf(micros, whole, team, tag);
        }

        Figures CellOf(long micros, AnalyticsGroup whole, string? team, string? tag)
        {
            var piece = query.By is { } width ? (BucketWidth)((int)width * query.Times) : default;
            var key = (piece == default ? 0 : BucketKey.StartOf(micros, piece), new AnalyticsGroup(
                Is(Dimensions.Kind) ? whole.Kind : null, Is(Dimensions.Provider) ? whole.Provider : null, Is(Dimensions.Model) ? whole.Model : null,
                Is(Dimensions.Environment) ? whole.Environment : null, Is(Dimensions.Status) ? whole.Status is SpanStatus.Warning ? SpanStatus.Success : whole.Status : null)
            {
                UserId = Is(Dimensions.User) ? whole.UserId : null, SessionId = Is(Dimensions.Session) ? whole.SessionId : null, Team = team, Tag = tag,
            });
            if (!_cells.TryGetValue(key, out var figures)) _cells[key] = figures = new();
            return figures;
        }

        /// <summary>The team and each tag, where they are asked for.</summary>
        IEnumerable<(string? Team, string? Tag)> MarksOf(SpanRow span)
        {
            if (!Is(Dimensions.Team) && !Is(Dimensions.Tag)) return [(null, null)];
            using var attributes = span.Attributes is { } json ? JsonDocument.Parse(json, new() { MaxDepth = 1_024 }) : null;
            var team = Is(Dimensions.Team) ? attributes is null ? "" : TextOf(attributes.RootElement, "team") ?? TextOf(attributes.RootElement, "team_id") ?? "" : null;
            if (!Is(Dimensions.Tag)) return [(team, null)];
            return SpanCatalogue.TagsOf(attributes?.RootElement ?? default) is { Count: > 0 } tags ? [.. tags.Distinct().Select(tag => (team, (string?)tag))] : [(team, "")];
        }

        static string? TextOf(JsonElement attributes, string name) =>
            attributes.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

        bool Is(Dimensions dimension) => query.GroupBy.HasFlag(dimension);
    }
}

/// <param name="Cells">By time, then the busiest first; only those with requests in them.</param>
/// <param name="Exact">Percentiles are the values themselves.</param>
public sealed record Analytics(IReadOnlyList<AnalyticsCell> Cells, bool Exact);

/// <param name="At">When the piece begins; null where the window is one piece.</param>
public sealed record AnalyticsCell(DateTimeOffset? At, AnalyticsGroup Group, Figures Figures);

/// <summary>What the requests of a cell have in common; null where they were not told apart by it, empty where it is unknown.</summary>
public sealed record AnalyticsGroup(string? Kind, string? Provider, string? Model, string? Environment, SpanStatus? Status)
{
    public string? UserId { get; init; }
    public string? SessionId { get; init; }
    public string? Team { get; init; }
    public string? Tag { get; init; }
}
