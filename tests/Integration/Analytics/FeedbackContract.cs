using Hindcast.Application.Analytics;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Projects;
using Hindcast.Application.ReadModels;
using Hindcast.Application.Traces;
using Hindcast.Domain.Traces;
using Hindcast.Integration.ReadModels;

namespace Hindcast.Integration.Analytics;

/// <summary>What is made of scores is what counting them one by one gives, on one engine: late, twice, taken back, in any order.</summary>
public abstract class FeedbackContract<TFixture> : IAsyncLifetime where TFixture : IReadFixture, new()
{
    static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    static readonly Caller Reader = new("p", "k", Scopes.Read, "production");
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    readonly TFixture _engine = new();
    readonly TracesProjection _traces = new(new FactReader([new PlainPayloads()]));

    public async ValueTask InitializeAsync() => await _engine.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _engine.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Figures_of_scores_are_those_of_the_last_words_that_were_said()
    {
        for (var seed = 1; seed <= 3; seed++)
        {
            var random = new Random(seed);
            var scores = Enumerable.Range(0, 200).Select(_ => ScoreOf(random)).ToList();
            var spans = Enumerable.Range(0, 40).Select(i => new LlmResponse
            {
                EventId = Guid.NewGuid(), TraceId = $"t{i % 8}", SpanId = $"s{i / 8}", At = Start, Model = i % 3 == 0 ? "large" : "small", Environment = i % 2 == 0 ? "production" : "staging",
            }).ToList();
            SpanEvent[] facts = [.. scores, .. spans, .. scores.Where(_ => random.Next(4) == 0)];
            random.Shuffle(facts);

            await using var db = await BuildAsync(seed, facts, random);
            for (var round = 0; round < 20; round++)
            {
                var from = Start.AddMinutes(random.Next(-10, 400));
                var query = new GetFeedback(Reader, from, from.AddMinutes(random.Next(1, 3_000)), random.Next(2) == 0 ? BucketWidth.Minute : BucketWidth.Hour, random.Next(2) == 0 ? 1 : 5)
                {
                    Model = random.Next(3) == 0 ? "large" : null, Environment = random.Next(3) == 0 ? "production" : null,
                };
                var cells = await GetFeedback.ReadAsync(db, query, Ct);
                Shown(cells).Should().BeEquivalentTo(Expected(query, scores, spans), o => o.WithStrictOrdering(), $"seed {seed}, round {round}");
            }
        }
    }

    /// <summary>A few names, sources and users on a few things, so that many say the same again; some at the same moment.</summary>
    static ScoreGiven ScoreOf(Random random) => new()
    {
        EventId = Guid.NewGuid(), TraceId = $"t{random.Next(8)}", SpanId = random.Next(3) == 0 ? null : $"s{random.Next(6)}", At = Start.AddMinutes(random.Next(300) * 5),
        Name = random.Next(3) switch { 0 => GetFeedback.Resolved, 1 => "stars", _ => "helpful" }, UserId = random.Next(2) == 0 ? "u" : null,
        Value = random.Next(6) switch { 0 => "true", 1 => "false", 2 => "\"fine\"", 3 => "\"4\"", 4 => "0.5", _ => "3" },
    };

    static IEnumerable<object> Expected(GetFeedback query, List<ScoreGiven> scores, List<LlmResponse> spans)
    {
        bool Is(LlmResponse span) => (query.Model ?? span.Model) == span.Model && (query.Environment ?? span.Environment) == span.Environment;
        // Of a trace: its last model, the first of its environments.
        bool IsOf(ScoreGiven score) => query is { Model: null, Environment: null } || (score.SpanId is { } id
            ? spans.Exists(s => s.TraceId == score.TraceId && s.SpanId == id && Is(s))
            : TraceSummary.Of([.. Trace.Of(score.TraceId, spans.Where(s => s.TraceId == score.TraceId)).Spans.Values]) is var whole && (query.Model ?? whole.Model) == whole.Model && (query.Environment ?? whole.Environment) == whole.Environment);
        var width = TimeSpan.FromSeconds((int)query.By * query.Times);
        return from score in scores.GroupBy(s => (s.TraceId, s.SpanId, s.Name, s.Source, s.UserId)).Select(g => g.MaxBy(s => (s.At, s.EventId))!)
               where score.At >= query.From && score.At < query.To && IsOf(score)
               let value = score.Value switch { "true" => 1, "false" => 0, "\"4\"" => 4, "0.5" => 0.5, "3" => 3, _ => (double?)null }
               where value is not null
               group (score, value) by BucketKey.StartOf(score.At.Micros(), (BucketWidth)(int)width.TotalSeconds) into piece
               orderby piece.Key
               let given = piece.Where(x => x.score.Name != GetFeedback.Resolved).ToList()
               let asked = piece.Where(x => x.score.Name == GetFeedback.Resolved).ToList()
               select (object)new
               {
                   At = Time.At(piece.Key), Average = given.Count == 0 ? null : given.Average(x => x.value),
                   ResolutionRate = asked.Count == 0 ? (double?)null : asked.Average(x => x.value >= 0.5 ? 1.0 : 0),
               };
    }

    static IEnumerable<object> Shown(IReadOnlyList<FeedbackCell> cells) => cells.Select(c => (object)new { c.At, c.Average, c.ResolutionRate });

    async Task<ReadDb> BuildAsync(int number, IEnumerable<SpanEvent> facts, Random random)
    {
        var generation = new Generation(_traces.Name, number, _traces.Version, Guid.NewGuid(), Serving: false);
        await _engine.Store.CreateAsync(_traces, generation, Ct);
        var follower = new Follower(_traces, generation, _engine.Store, TimeProvider.System);
        var at = LogPosition.Start;
        foreach (var page in Recorded.Pages(Recorded.Log(facts.Select(Recorded.Of)), random))
        {
            if (random.Next(4) == 0) (follower, at) = (new(_traces, generation, _engine.Store, TimeProvider.System), await follower.StartAsync(Ct));
            at = await follower.ApplyAsync(page, at, Ct);
        }
        follower.Parked.Should().Be(0);
        return _engine.Store.Open(_traces, number);
    }
}
