using Hindcast.Application.EventSourcing;
using Hindcast.Application.ReadModels;
using Hindcast.Application.Traces;
using Microsoft.EntityFrameworkCore;

namespace Hindcast.Integration.ReadModels;

/// <summary>The promises of <see cref="IReadStore"/>, and that rows are a pure function of the facts, on one engine.</summary>
public abstract class ReadStoreContract<TFixture> : IAsyncLifetime where TFixture : IReadFixture, new()
{
    static readonly Guid LogId = Guid.NewGuid();
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    readonly TFixture _engine = new();
    readonly TracesProjection _traces = new(new FactReader([new PlainPayloads()]));

    public async ValueTask InitializeAsync() => await _engine.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _engine.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    async Task<Generation> MakeAsync(int number)
    {
        var generation = new Generation(_traces.Name, number, _traces.Version, LogId, Serving: false);
        await _engine.Store.CreateAsync(_traces, generation, Ct);
        return generation;
    }

    Follower Follow(Generation generation) => new(_traces, generation, _engine.Store, TimeProvider.System);

    async Task<string> DumpAsync(Generation generation)
    {
        await using var db = _engine.Store.Open(_traces, generation.Number);
        return (await CanonicalDump.HashAsync(db, Ct)).Sha256;
    }

    async Task<string> BuildAsync(int number, IReadOnlyList<LogRecord> log, Random random, bool interrupted = false)
    {
        var generation = await MakeAsync(number);
        var follower = Follow(generation);
        var at = LogPosition.Start;
        foreach (var page in Recorded.Pages(log, random))
        {
            // A new follower has forgotten everything, as after a crash between two pages.
            if (interrupted && random.Next(3) == 0) (follower = Follow(generation), at = await follower.StartAsync(Ct)).ToString();
            at = await follower.ApplyAsync(page, at, Ct);
        }
        follower.Parked.Should().Be(0);
        return await DumpAsync(generation);
    }

    [Fact]
    public async Task Any_order_any_repetition_and_any_interruption_leave_the_same_rows()
    {
        for (var seed = 1; seed <= 8; seed++)
        {
            var facts = Recorded.Histories(seed, traces: 6);
            var random = new Random(seed);
            var expected = await BuildAsync(1, Recorded.Log(facts), random);
            for (var round = 0; round < 3; round++)
            {
                var dealt = facts.SelectMany(f => Enumerable.Repeat(f, random.Next(1, 4))).ToArray();
                random.Shuffle(dealt);
                (await BuildAsync(2, Recorded.Log(dealt), random, interrupted: true)).Should().Be(expected, $"seed {seed}, round {round}");
            }
        }
    }

    [Fact]
    public async Task The_engines_agree_on_every_byte()
    {
        // Pinned by the first engine to run; every engine must give the same.
        var dump = await BuildAsync(1, Recorded.Log(Recorded.Histories(99, traces: 10)), new Random(1));

        await using var other = new SqliteReadFixture();
        await other.StartAsync();
        var generation = new Generation(_traces.Name, 1, _traces.Version, LogId, Serving: false);
        await other.Store.CreateAsync(_traces, generation, Ct);
        var follower = new Follower(_traces, generation, other.Store, TimeProvider.System);
        var at = LogPosition.Start;
        foreach (var page in Recorded.Pages(Recorded.Log(Recorded.Histories(99, traces: 10)), new Random(2))) at = await follower.ApplyAsync(page, at, Ct);
        await using var db = other.Store.Open(_traces, 1);
        (await CanonicalDump.HashAsync(db, Ct)).Sha256.Should().Be(dump);
    }

    [Fact]
    public async Task A_fact_that_cannot_be_applied_is_parked_and_its_neighbours_are_not()
    {
        var facts = Recorded.Histories(5, traces: 3);
        var poison = facts[10] with { Event = facts[10].Event with { Id = Guid.NewGuid(), Content = "{\"poison\":1}"u8.ToArray() } };
        var unknown = facts[20] with { Event = facts[20].Event with { Id = Guid.NewGuid(), Header = "{\"v\":99}"u8.ToArray() } };
        var generation = await MakeAsync(1);
        var follower = Follow(generation);
        var at = LogPosition.Start;
        foreach (var page in Recorded.Pages(Recorded.Log([.. facts.Take(15), poison, unknown, .. facts.Skip(15)]), new Random(1))) at = await follower.ApplyAsync(page, at, Ct);

        follower.Parked.Should().Be(2);
        await using var db = _engine.Store.Open(_traces, 1);
        (await db.Set<ParkedRow>().OrderBy(p => p.Position).Select(p => p.Reason).ToListAsync(Ct)).Should().HaveCount(2).And.Contain("poison");
        (await db.Set<FactRow>().CountAsync(Ct)).Should().Be(facts.Count);
        (await follower.StartAsync(Ct)).Should().Be(at);
    }

    [Fact]
    public async Task A_checkpoint_moves_only_from_where_it_stood_and_takes_its_rows_with_it()
    {
        var generation = await MakeAsync(1);
        await using (var batch = await _engine.Store.BeginAsync(_traces, 1, 0, Ct))
        {
            await batch.UpsertAsync([Run("a")], Ct);
            await batch.CommitAsync(LogPosition.Start, new(5), Ct);
        }
        await using (var late = await _engine.Store.BeginAsync(_traces, 1, 0, Ct))
        {
            await late.UpsertAsync([Run("b")], Ct);
            await late.Invoking(b => b.CommitAsync(LogPosition.Start, new(9), Ct)).Should().ThrowAsync<CheckpointMoved>();
        }
        await using (var abandoned = await _engine.Store.BeginAsync(_traces, 1, 0, Ct)) await abandoned.UpsertAsync([Run("c")], Ct);

        await _engine.RestartAsync();
        await using var db = _engine.Store.Open(_traces, 1);
        (await db.Set<RunRow>().Select(r => r.TraceId).ToListAsync(Ct)).Should().Equal("a");
        (await Follow(generation).StartAsync(Ct)).Should().Be(new LogPosition(5));
    }

    [Fact]
    public async Task An_owner_who_was_replaced_writes_nothing_and_changes_nothing_over()
    {
        var generation = await MakeAsync(1);
        (await _engine.Store.ClaimAsync(_traces, 1, 1, Ct)).Should().Be(LogPosition.Start);
        await using var asleep = await _engine.Store.BeginAsync(_traces, 1, 1, Ct);
        await asleep.UpsertAsync([Run("a")], Ct);
        await asleep.DisposeAsync();

        await _engine.Store.ClaimAsync(_traces, 1, 2, Ct);
        await using (var late = await _engine.Store.BeginAsync(_traces, 1, 1, Ct))
        {
            await late.UpsertAsync([Run("b")], Ct);
            await late.Invoking(b => b.CommitAsync(LogPosition.Start, new(9), Ct)).Should().ThrowAsync<CheckpointMoved>("the position is right, the epoch is not");
        }
        await _engine.Store.Invoking(s => s.ClaimAsync(_traces, 1, 1, Ct)).Should().ThrowAsync<CheckpointMoved>();
        await using var db = _engine.Store.Open(_traces, 1);
        (await db.Set<RunRow>().CountAsync(Ct)).Should().Be(0);
        (await _engine.Store.ClaimAsync(_traces, 1, 2, Ct)).Should().Be(LogPosition.Start);
    }

    [Fact]
    public async Task Pages_committed_ahead_are_there_after_a_flush_and_one_that_fails_stops_those_behind_it()
    {
        await MakeAsync(1);
        async Task CommitAsync(long from, long to, string trace)
        {
            await using var page = await _engine.Store.BeginAsync(_traces, 1, 0, Ct, ahead: true);
            await page.InsertAsync([Run(trace)], Ct);
            await page.CommitAsync(new(from), new(to), Ct);
        }
        await CommitAsync(0, 3, "a");
        await CommitAsync(3, 5, "b");
        await _engine.Store.FlushAsync(_traces, 1, Ct);
        var failing = async () =>
        {
            await CommitAsync(4, 9, "c");
            await CommitAsync(9, 12, "d");
        };
        await failing.Should().ThrowAsync<CheckpointMoved>();
        await using var db = _engine.Store.Open(_traces, 1);
        (await db.Set<RunRow>().Select(r => r.TraceId).OrderBy(t => t).ToListAsync(Ct)).Should().Equal("a", "b");
        (await _engine.Store.ClaimAsync(_traces, 1, 0, Ct)).Should().Be(new LogPosition(5));
    }

    [Fact]
    public async Task Old_days_go_from_every_table_and_sums_stay()
    {
        await MakeAsync(1);
        await _engine.Store.FinishAsync(_traces, 1, Ct);
        await using (var batch = await _engine.Store.BeginAsync(_traces, 1, 0, Ct))
        {
            for (var day = 2900; day < 2905; day++)
            {
                await batch.UpsertAsync([OnDay(Run($"t{day}"), day)], Ct);
                await batch.UpsertAsync([OnDay(Span("a", null, null), day), OnDay(Span("b", null, null), day)], Ct);
                await batch.UpsertAsync(new List<FactRow> { new() { Project = "p", TraceId = $"t{day}", EventId = [1], Day = day } }, Ct);
                await batch.UpsertAsync(new List<FailureRow> { new() { Project = "p", TraceId = $"t{day}", SpanId = "a", Day = day } }, Ct);
                await batch.UpsertAsync(new List<BucketRow> { new() { Project = "p", Start = day, Requests = 1 } }, Ct);
            }
            await batch.CommitAsync(LogPosition.Start, new(1), Ct);
        }
        (await _engine.Store.DaysAsync(_traces, 1, Ct)).Should().Equal(2900, 2901, 2902, 2903, 2904);
        await _engine.Store.ForgetAsync(_traces, 1, 2903, Ct);
        await _engine.Store.ForgetAsync(_traces, 1, 2903, Ct);
        await using (var db = _engine.Store.Open(_traces, 1))
        {
            (await _engine.Store.DaysAsync(_traces, 1, Ct)).Should().Equal(2903, 2904);
            (await db.Set<RunRow>().Select(r => r.Day).Order().ToListAsync(Ct)).Should().Equal(2903, 2904);
            (await db.Set<SpanRow>().CountAsync(Ct)).Should().Be(4);
            (await db.Set<FactRow>().CountAsync(Ct)).Should().Be(2);
            (await db.Set<FailureRow>().CountAsync(Ct)).Should().Be(2);
            (await db.Set<BucketRow>().CountAsync(Ct)).Should().Be(5);
        }

        // A trace that goes on after its day went is written again.
        await using (var batch = await _engine.Store.BeginAsync(_traces, 1, 0, Ct))
        {
            await batch.UpsertAsync([OnDay(Span("c", null, null), 2900)], Ct);
            await batch.CommitAsync(new(1), new(2), Ct);
        }
        await using var after = _engine.Store.Open(_traces, 1);
        (await after.Set<SpanRow>().CountAsync(Ct)).Should().Be(5);
    }

    static RunRow OnDay(RunRow row, int day)
    {
        row.Day = day;
        return row;
    }

    static SpanRow OnDay(SpanRow row, int day)
    {
        (row.Day, row.TraceId) = (day, $"t{day}");
        return row;
    }

    [Fact]
    public async Task An_upsert_replaces_and_keeps_texts_it_is_not_given_and_a_delete_deletes()
    {
        await MakeAsync(1);
        await using (var batch = await _engine.Store.BeginAsync(_traces, 1, 0, Ct))
        {
            await batch.UpsertAsync([Span("a", "in", null), Span("b", "x", null)], Ct);
            await batch.UpsertAsync([Span("a", null, "out")], Ct);
            await batch.DeleteAsync([Span("b", null, null)], Ct);
            await batch.UpsertAsync(new List<RunRow>(), Ct);
            await batch.CommitAsync(LogPosition.Start, new(1), Ct);
        }
        await using var db = _engine.Store.Open(_traces, 1);
        var row = await db.Set<SpanRow>().SingleAsync(Ct);
        (row.SpanId, row.Input, row.Output, row.Sanitised, row.Duration).Should().Be(("a", "in", "out", true, null));
        row.Merge.Should().Equal(1, 2, 3);
    }

    [Fact]
    public async Task One_generation_serves_until_another_does_and_a_dropped_one_is_gone()
    {
        var first = await MakeAsync(1);
        await _engine.Store.ServeAsync(first, 0, Ct);
        var second = await MakeAsync(2);
        (await _engine.Store.GenerationsAsync(Ct)).Should().Equal(first with { Serving = true }, second);

        await _engine.Store.ServeAsync(second, 0, Ct);
        (await _engine.Store.GenerationsAsync(Ct)).Should().Equal(first, second with { Serving = true });
        await _engine.Store.DropAsync(first, Ct);
        await _engine.RestartAsync();
        (await _engine.Store.GenerationsAsync(Ct)).Should().Equal(second with { Serving = true });
    }

    static RunRow Run(string id) => new() { Project = "p", TraceId = id };

    static SpanRow Span(string id, string? input, string? output) =>
        new() { Project = "p", TraceId = "t", SpanId = id, Kind = "llm", Name = "n", Input = input, Output = output, Sanitised = true, Merge = [1, 2, 3] };
}
