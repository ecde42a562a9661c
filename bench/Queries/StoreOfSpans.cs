using Hindcast.Application.EventSourcing;
using Hindcast.Application.ReadModels;
using Hindcast.Application.Traces;
using Hindcast.Infrastructure.ReadModels.Postgres;
using Hindcast.Infrastructure.ReadModels.Sqlite;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Hindcast.Bench.Queries;

/// <summary>
/// Fills the read models of a running, idle server with spans, past the log: 30 days, ten spans a trace, a few models that most calls go
/// to, texts of sixty words of which one stands in 4 % and one in 0.1 %. On PostgreSQL the indexes are made after the rows.
/// </summary>
static class StoreOfSpans
{
    const int Together = 5_000;
    static readonly string[] s_models = ["gpt-4o", "gpt-4o-mini", "claude-sonnet", "claude-haiku", "gemini-pro", "mistral-large", "llama-70b", "o1"];
    /// <summary>One author who told nothing.</summary>
    static readonly byte[] s_merge = [1, 1, .. new byte[29]];
    static readonly string[] s_words = [.. Enumerable.Range(0, 3_000).Select(Word)];

    public static readonly DateTimeOffset Start = new(2026, 10, 1, 0, 0, 0, TimeSpan.Zero);

    public static async Task FillAsync(string folder, string? postgres, int spans)
    {
        IReadStore store = postgres is null ? new SqliteReadStore(Path.Combine(folder, "read")) : new PostgresReadStore(postgres);
        var (traces, texts) = (new TracesProjection(new FactReader([])), new TextsProjection(new FactReader([])));
        var generations = (await store.GenerationsAsync(default)).Where(g => g.Serving).ToDictionary(g => g.Projection, g => g.Number);
        var indexes = postgres is null ? [] : await DropIndexesAsync(postgres);
        var buckets = new Dictionary<BucketKey, BucketRow>();
        for (var from = 0; from < spans; from += Together)
        {
            var made = Enumerable.Range(from, Math.Min(Together, spans - from)).Select(i => Make(i, spans)).ToList();
            await WriteAsync(store, traces, generations["traces"], made.ConvertAll(m => m.Span));
            await WriteAsync(store, traces, generations["traces"], made.Where((_, i) => i % 10 == 0).Select(m => new RunRow
            {
                Day = m.Span.Day, Project = m.Span.Project, TraceId = m.Span.TraceId, Status = 1, StartedAt = m.Span.StartedAt, UserId = m.Span.UserId, SessionId = m.Span.SessionId, Spans = 10, PromptSpanId = m.Span.SpanId,
            }).ToList());
            await WriteAsync(store, texts, generations["texts"], made.ConvertAll(m => m.Text));
            Count(made.ConvertAll(m => m.Span), buckets);
            await WriteAsync(store, traces, generations["traces"], Finished(buckets, from + Together < spans ? made[^1].Span.StartedAt : long.MaxValue));
        }
        if (postgres is not null) await FinishAsync(postgres, indexes);
        if (store is IAsyncDisposable disposable) await disposable.DisposeAsync();
        else ((IDisposable)store).Dispose();
    }

    static void Count(List<SpanRow> spans, Dictionary<BucketKey, BucketRow> buckets)
    {
        var changes = new Dictionary<BucketKey, BucketChange>();
        foreach (var span in spans)
        {
            var usage = span.Usage();
            var minute = new BucketKey(
                span.Project, BucketWidth.Minute, BucketKey.StartOf(span.StartedAt, BucketWidth.Minute), span.Kind, span.Provider!, span.Model!, span.Environment!, span.Status, BucketKey.PartsOf(usage, false));
            foreach (var width in BucketKey.Widths)
            {
                var key = minute.In(width);
                if (!changes.TryGetValue(key, out var change)) changes[key] = change = new();
                change.Count(new(usage, span.Duration, span.TimeToFirstToken), +1);
            }
        }
        foreach (var (key, change) in changes) buckets[key] = change.Apply(buckets.GetValueOrDefault(key) ?? key.Empty());
    }

    /// <summary>Takes out the buckets that nothing is added to any more: spans come in the order of time.</summary>
    static List<BucketRow> Finished(Dictionary<BucketKey, BucketRow> buckets, long reached)
    {
        var finished = buckets.Where(b => b.Key.Start <= reached - BucketKey.Micros(b.Key.Width)).ToList();
        foreach (var (key, _) in finished) buckets.Remove(key);
        return finished.ConvertAll(b => b.Value);
    }

    /// <summary>The checkpoint stays where it is: these rows come from no log.</summary>
    static async Task WriteAsync<T>(IReadStore store, Projection projection, int generation, List<T> rows) where T : class
    {
        await using var db = store.Open(projection, generation);
        var epoch = await db.Set<CheckpointRow>().Select(c => c.Epoch).SingleAsync();
        await using var batch = await store.BeginAsync(projection, generation, epoch, default);
        await batch.UpsertAsync(rows, default);
        await batch.CommitAsync(LogPosition.Start, LogPosition.Start, default);
    }

    static (SpanRow Span, TextRow Text) Make(int i, int spans)
    {
        var random = new Random(i);
        var model = s_models[(int)(Math.Pow(random.NextDouble(), 3) * s_models.Length)];
        var trace = i / 10;
        var started = (Start + (TimeSpan.FromDays(30) * (i / (double)spans))).Micros();
        string Words(int count) => string.Join(' ', Enumerable.Range(0, count).Select(_ => s_words[(int)(Math.Pow(random.NextDouble(), 2) * s_words.Length)]));
        var input = Words(30) + (random.Next(25) == 0 ? " invoicing" : "") + (random.Next(1_000) == 0 ? " zeppelin" : "");
        var output = Words(30);
        var (tokens, cost) = (random.Next(20, 4_000), random.Next(1_000_000));
        var span = new SpanRow
        {
            Day = Time.At(started).Day(), Project = "default", TraceId = $"trace-{trace:00000000}", SpanId = $"span-{i:00000000}", ParentSpanId = i % 10 == 0 ? null : $"span-{i / 10 * 10:00000000}", Kind = "llm", Name = model, Status = random.Next(33) == 0 ? 3 : 1,
            Error = null, Provider = model[0] is 'g' or 'o' ? "openai" : "anthropic", Model = model, StartedAt = started, EndedAt = started + 1_000_000, Duration = random.Next(50_000, 5_000_000), InputTokens = tokens, OutputTokens = tokens / 4,
            TotalTokens = tokens + (tokens / 4), InputCost = cost, OutputCost = cost, TotalCost = 2L * cost, Request = true, Environment = random.Next(10) switch { 0 => "staging", _ => "production" }, UserId = $"user-{trace % 5_003}",
            SessionId = $"session-{trace / 3}", Input = $"\"{input}\"", Output = $"\"{output}\"", Attributes = "{\"team\":\"a\"}", Merge = s_merge,
        };
        return (span, new() { Project = span.Project, TraceId = span.TraceId, SpanId = span.SpanId, Input = input, Output = output, Merge = s_merge });
    }

    static string Word(int i) => string.Concat("bcdfgklmnprst"[i % 13], "aeiou"[i / 13 % 5], "bdgklmnprt"[i / 65 % 10], "aeiou"[i / 650 % 5], i % 3 == 0 ? "ns" : "r");

    static async Task<List<string>> DropIndexesAsync(string postgres)
    {
        await using var source = NpgsqlDataSource.Create(postgres);
        var made = new List<string>();
        var drop = new List<string>();
        await using (var command = source.CreateCommand("""
            SELECT format('%I.%I', schemaname, indexname), indexdef FROM pg_indexes
            WHERE schemaname LIKE 'hindcast\_t%' AND tablename IN ('spans', 'texts') AND indexdef NOT LIKE 'CREATE UNIQUE%'
            """))
        await using (var rows = await command.ExecuteReaderAsync())
        {
            while (await rows.ReadAsync())
            {
                drop.Add(rows.GetString(0));
                // PostgreSQL tells of a partitioned table's index as if its partitions were to have none.
                made.Add(rows.GetString(1).Replace(" ON ONLY ", " ON ", StringComparison.Ordinal));
            }
        }
        foreach (var index in drop)
        {
            await using var command = source.CreateCommand($"DROP INDEX {index}");
            await command.ExecuteNonQueryAsync();
        }
        return made;
    }

    static async Task FinishAsync(string postgres, List<string> indexes)
    {
        await using var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(postgres) { CommandTimeout = 0, Options = "-c maintenance_work_mem=1GB" });
        foreach (var sql in indexes.Append("VACUUM ANALYZE"))
        {
            await using var command = source.CreateCommand(sql);
            await command.ExecuteNonQueryAsync();
        }
    }
}
