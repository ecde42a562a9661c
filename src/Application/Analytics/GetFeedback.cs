using Hindcast.Application.Projects;
using Hindcast.Application.ReadModels;
using MediatR;
using Microsoft.EntityFrameworkCore;

namespace Hindcast.Application.Analytics;

/// <summary>
/// The project's scores that were given in a window, by minutes, hours or days. Of several from one user or source under one name on the same thing
/// only the last counts, at its own time, wherever the others lie.
/// </summary>
/// <param name="From">The first moment in it.</param>
/// <param name="To">The first moment after it.</param>
/// <param name="By">Times <paramref name="Times"/>: how long a piece is.</param>
public sealed record GetFeedback(Caller Caller, DateTimeOffset From, DateTimeOffset To, BucketWidth By, int Times) : IRequest<IReadOnlyList<FeedbackCell>>
{
    /// <summary>Scores of this name say whether somebody was helped: true, or 0.5 and more.</summary>
    public const string Resolved = "resolved";

    /// <summary>Of the span a score is on; of the trace, where it is on all of it. Null: any.</summary>
    public string? Provider { get; init; }
    public string? Model { get; init; }
    public string? Environment { get; init; }
    public string? UserId { get; init; }

    internal sealed class Handler(ServingModels models) : IRequestHandler<GetFeedback, IReadOnlyList<FeedbackCell>>
    {
        public async Task<IReadOnlyList<FeedbackCell>> Handle(GetFeedback query, CancellationToken ct)
        {
            await using var db = models.Open("traces");
            return await ReadAsync(db, query, ct);
        }
    }

    internal static async Task<IReadOnlyList<FeedbackCell>> ReadAsync(ReadDb db, GetFeedback query, CancellationToken ct)
    {
        var piece = BucketKey.Micros(query.By) * query.Times;
        var groups = await Counting(db, query).GroupBy(s => new { At = s.At / piece * piece, Resolves = s.Name == Resolved })
            .Select(g => new { g.Key.At, g.Key.Resolves, Sum = g.Sum(s => s.Number!.Value), Count = g.Count(), Yes = g.Count(s => s.Number >= 0.5) }).ToListAsync(ct);
        return [.. groups.GroupBy(g => g.At).OrderBy(g => g.Key).Select(at => new FeedbackCell(
            Time.At(at.Key), at.Where(g => !g.Resolves).Sum(g => g.Sum), at.Where(g => !g.Resolves).Sum(g => g.Count), at.Where(g => g.Resolves).Sum(g => g.Yes), at.Where(g => g.Resolves).Sum(g => g.Count)))];
    }

    /// <summary>Those with a number that nobody took back.</summary>
    static IQueryable<ScoreRow> Counting(ReadDb db, GetFeedback query)
    {
        var (project, from, to) = (query.Caller.Project, query.From.Micros(), query.To.Micros());
        var all = db.Set<ScoreRow>().Where(s => s.Project == project);
        var scores = all.Where(s => s.At >= from && s.At < to && s.Number != null && !all.Any(later =>
            later.TraceId == s.TraceId && later.SpanId == s.SpanId && later.Name == s.Name && later.Source == s.Source && later.UserId == s.UserId
            && (later.At > s.At || (later.At == s.At && string.Compare(later.EventId, s.EventId) > 0))));
        if ((query.Provider ?? query.Model ?? query.Environment ?? query.UserId) is null) return scores;

        var spans = db.Set<SpanRow>().Where(r => r.Project == project);
        var runs = db.Set<RunRow>().Where(r => r.Project == project);
        if (query.Provider is { } provider) (spans, runs) = (spans.Where(r => r.Provider == provider), runs.Where(r => r.Provider == provider));
        if (query.Model is { } model) (spans, runs) = (spans.Where(r => r.Model == model), runs.Where(r => r.Model == model));
        if (query.Environment is { } environment) (spans, runs) = (spans.Where(r => r.Environment == environment), runs.Where(r => r.Environment == environment));
        if (query.UserId is { } user) (spans, runs) = (spans.Where(r => r.UserId == user), runs.Where(r => r.UserId == user));
        return scores.Where(s => s.SpanId == ""
            ? runs.Any(r => r.TraceId == s.TraceId)
            : spans.Any(r => r.TraceId == s.TraceId && r.SpanId == s.SpanId && r.Day == s.Day));
    }
}

/// <param name="At">When the piece begins.</param>
/// <param name="Sum">Of the numbers given, those for <see cref="GetFeedback.Resolved"/> apart.</param>
/// <param name="Resolved">So many were helped, of <paramref name="Asked"/>.</param>
public sealed record FeedbackCell(DateTimeOffset At, double Sum, int Given, int Resolved, int Asked)
{
    /// <summary>Null when nobody gave any.</summary>
    public double? Average => Given == 0 ? null : Sum / Given;
    /// <summary>0 to 1; null when nobody said.</summary>
    public double? ResolutionRate => Asked == 0 ? null : (double)Resolved / Asked;

    public static FeedbackCell Whole(IEnumerable<FeedbackCell> cells) =>
        cells.Aggregate(new FeedbackCell(default, 0, 0, 0, 0), (all, c) => all with { Sum = all.Sum + c.Sum, Given = all.Given + c.Given, Resolved = all.Resolved + c.Resolved, Asked = all.Asked + c.Asked });
}
