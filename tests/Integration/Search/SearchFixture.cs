using System.Text.Json;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.ReadModels;
using Hindcast.Application.Search;
using Hindcast.Application.Traces;
using Hindcast.Domain.Traces;
using Hindcast.Integration.ReadModels;

namespace Hindcast.Integration.Search;

/// <summary>An engine with some hundred spans and runs of two projects, written as rows: odd ones, with every field null somewhere.</summary>
public sealed class SearchFixture<TEngine> : IAsyncLifetime where TEngine : IReadFixture, new()
{
    readonly TEngine _engine = new();
    readonly TracesProjection _traces = new(new FactReader([]));
    readonly TextsProjection _texts = new(new FactReader([]));

    public ServingModels Models { get; private set; } = null!;
    public Finder Finder { get; private set; } = null!;
    public List<SpanRow> Spans { get; } = [];
    public List<RunRow> Runs { get; } = [];
    public List<ScoreRow> Scores { get; } = [];
    public Dictionary<(string Trace, string Span), TextRow> Texts { get; } = [];

    public async ValueTask InitializeAsync()
    {
        await _engine.StartAsync();
        Models = new([_traces, _texts], _engine.Store);
        Finder = new(Models);
        foreach (var projection in (Projection[])[_traces, _texts])
        {
            await _engine.Store.CreateAsync(projection, new(projection.Name, 1, projection.Version, Guid.NewGuid(), false), default);
            await _engine.Store.FinishAsync(projection, 1, default);
            Models.Serve(projection.Name, 1);
        }
        SearchFixture.Fill(Spans, Runs, Texts);
        SearchFixture.Fill(Scores, Spans);
        await AddAsync(Spans, Runs, Texts.Values, Scores);
    }

    public async Task AddAsync(IReadOnlyCollection<SpanRow> spans, IReadOnlyCollection<RunRow> runs, IReadOnlyCollection<TextRow> texts, IReadOnlyCollection<ScoreRow>? scores = null)
    {
        await using (var batch = await _engine.Store.BeginAsync(_traces, 1, 0, default))
        {
            await batch.UpsertAsync(spans, default);
            await batch.UpsertAsync(runs, default);
            await batch.UpsertAsync(scores ?? [], default);
            // No span is without its run.
            var missing = spans.Select(s => (s.Project, s.TraceId)).Distinct().Except(Runs.Select(r => (r.Project, r.TraceId))).Select(t => new RunRow { Project = t.Project, TraceId = t.TraceId }).ToList();
            await batch.UpsertAsync(missing, default);
            Runs.AddRange(missing);
            await batch.CommitAsync(new(_at), new(_at + 1), default);
        }
        await using (var batch = await _engine.Store.BeginAsync(_texts, 1, 0, default))
        {
            await batch.UpsertAsync(texts, default);
            await batch.CommitAsync(new(_at), new(_at + 1), default);
        }
        _at++;
    }

    public async Task RemoveAsync(Func<SpanRow, bool> which)
    {
        await using var db = Models.Open("traces");
        var spans = (await Microsoft.EntityFrameworkCore.EntityFrameworkQueryableExtensions.ToListAsync(db.Set<SpanRow>())).Where(which).ToList();
        await using (var batch = await _engine.Store.BeginAsync(_traces, 1, 0, default))
        {
            await batch.DeleteAsync(spans, default);
            await batch.CommitAsync(new(_at), new(_at + 1), default);
        }
        await using (var batch = await _engine.Store.BeginAsync(_texts, 1, 0, default))
        {
            await batch.DeleteAsync<TextRow>([.. spans.Select(s => new TextRow { Project = s.Project, TraceId = s.TraceId, SpanId = s.SpanId })], default);
            await batch.CommitAsync(new(_at), new(_at + 1), default);
        }
        _at++;
    }

    long _at;

    public async ValueTask DisposeAsync()
    {
        await _engine.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}

static class SearchFixture
{
    public static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Scores of every kind of value, several of a name on one thing, some at once, and some of spans that are not there.</summary>
    public static void Fill(List<ScoreRow> scores, List<SpanRow> spans)
    {
        var random = new Random(8);
        string[] values = ["0.5", "1", "1.0", "0", "true", "false", "\"5\"", "\"good\"", "\"Ä\"", "-1e2", "100", "\"u1\""];
        for (var i = 0; i < 150; i++)
        {
            var span = spans[random.Next(spans.Count)];
            scores.Add(ScoreRow.Of(span.Project, new()
            {
                EventId = new Guid(random.Next(), 0, 0, new byte[8]), TraceId = span.TraceId, At = Start.AddSeconds(random.Next(4)), Value = values[random.Next(values.Length)],
                SpanId = random.Next(3) switch { 0 => null, 1 => "gone", _ => span.SpanId }, Name = random.Next(2) == 0 ? "helpful" : "a'{0}\"%", UserId = random.Next(2) == 0 ? "u1" : null,
            }));
        }
    }

    public static void Fill(List<SpanRow> spans, List<RunRow> runs, Dictionary<(string, string), TextRow> texts)
    {
        var random = new Random(7);
        string? Pick(params string?[] all) => all[random.Next(all.Length)];
        long? Number(params long?[] all) => all[random.Next(all.Length)];
        for (var i = 0; i < 120; i++)
        {
            var span = new SpanRow
            {
                Project = i % 5 == 0 ? "q" : "p", TraceId = $"t{i % 23}", SpanId = $"m{i}", ParentSpanId = Pick(null, "m1", "m7"), Kind = Pick("llm", "tool", "span")!, Name = Pick("o", "gpt-4o", "")!,
                Status = random.Next(4), Error = Pick(null, "error", "Ä_%\\"), Provider = Pick(null, "openai", "claude"), Model = Pick(null, "gpt-4o", "GPT-4O", "claude-ä", ""),
                StartedAt = (Start + TimeSpan.FromSeconds(random.Next(60))).Micros(), Duration = Number(null, 0, 499, 500, 1_499, 100_000, 250_000), TimeToFirstToken = Number(null, 10_000, 10_500),
                InputTokens = Number(null, 0, 5, 100), CacheReadTokens = Number(null, 5), CacheWrite5mTokens = Number(null, null, 1), OutputTokens = Number(null, 10, 99, 250), TotalTokens = Number(null, 100, 1000),
                InputCost = Number(null, 2_500_000, 1_000_000_000), CacheReadCost = Number(null, null, 1), OutputCost = Number(null, 5_000_000_000_000, long.MaxValue), TotalCost = Number(null, 2_500_000, 1_000_000_000_000),
                Environment = Pick(null, "prod", "staging"), UserId = Pick(null, "u1", "u2", "😀"), SessionId = Pick(null, "s1", ""), Agent = Pick(null, "alpha"), Merge = [1],
                Attributes = Pick(null, "{\"tags\":[\"alpha\",\"beta\"],\"n\":5,\"s\":\"u1\"}", "{\"tags\":\"alpha, o\",\"n\":\"x\"}", "{\"n\":10.5,\"s\":null}", "{\"llm.tags\":[]}"),
            };
            spans.Add(span);
            var (input, output) = (Pick(null, "alpha beta", "Alpha, o!", "the zeta", "Ä 100%", ""), Pick(null, "beta", "gamma delta", "ä_\\"));
            if (random.Next(4) > 0 && (input ?? output) is not null)
                texts[(span.TraceId, span.SpanId)] = new() { Project = span.Project, TraceId = span.TraceId, SpanId = span.SpanId, Input = input, Output = output, Merge = [1] };
        }
        foreach (var trace in spans.GroupBy(s => (s.Project, s.TraceId)))
        {
            var first = trace.First();
            runs.Add(new()
            {
                Project = first.Project, TraceId = first.TraceId, Status = first.Status, StartedAt = first.StartedAt, Duration = first.Duration, UserId = first.UserId, SessionId = first.SessionId,
                Environment = first.Environment, Agent = first.Agent, Provider = first.Provider, Model = first.Model, Spans = trace.Count(), Errors = trace.Count(s => s.Status == 3), Events = random.Next(9),
                InputTokens = first.InputTokens, OutputTokens = first.OutputTokens, TotalTokens = first.TotalTokens, InputCost = first.InputCost, OutputCost = first.OutputCost, TotalCost = first.TotalCost,
                PromptSpanId = Pick(null, first.SpanId), ResponseSpanId = Pick(null, trace.Last().SpanId),
            });
        }
    }
}
