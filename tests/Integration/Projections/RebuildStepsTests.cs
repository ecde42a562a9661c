using Hindcast.Application.EventSourcing;
using Hindcast.Application.Operations;
using Hindcast.Application.Projects;
using Hindcast.Application.ReadModels;
using Microsoft.EntityFrameworkCore;
using Hindcast.Integration.ReadModels;
using MediatR;

namespace Hindcast.Integration.Projections;

/// <summary>F23: a rebuild that dies before or after any of its steps is finished by the next process, and readers see old or new, never half.</summary>
public abstract class RebuildStepsTests<TFixture> where TFixture : IReadFixture, new()
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory, InlineData(true), InlineData(false)]
    public async Task F23_dying_at_any_step_of_a_rebuild_leaves_old_or_new_and_the_next_process_finishes(bool after)
    {
        await using var log = new TempLog();
        await log.FillAsync(3, traces: 5);
        var (expected, steps) = (await log.HashAsync(), 0);
        for (var survived = false; !survived; steps++)
        {
            await using var engine = new TFixture();
            await engine.StartAsync();
            await using (await ServingAsync(log, engine.Store)) { }

            // It owns, follows, is asked for a rebuild, and dies at a step.
            var mortal = new MortalStore(engine.Store, steps, after);
            await using (var host = await Host.StartAsync(log, mortal))
            {
                await AskAsync(host, log, engine.Store);
                await Host.UntilAsync(() => mortal.Died || host.Progress.Rebuilt is { Served: true, Equal: not null });
                survived = !mortal.Died;
            }

            // Whatever it left, what serves is whole.
            var serving = (await engine.Store.GenerationsAsync(Ct)).Should().ContainSingle(g => g.Serving).Which;
            (await Logs.HashAsync(engine.Store, Host.Traces, serving.Number)).Should().Be(expected, $"step {steps}");

            await using var next = await Host.StartAsync(log, engine.Store);
            await Host.UntilAsync(() => next.Progress is { State: ProjectionState.Live, Rebuild: null, Generation: 2 } || (next.Progress.Generation == 1 && !IsWanted(engine.Store)));
            if (next.Progress.Generation == 2) (await Logs.HashAsync(engine.Store, Host.Traces, 2)).Should().Be(expected, $"step {steps}");
        }
        steps.Should().BeGreaterThan(5, "otherwise nothing was tried");
    }

    [Fact]
    public async Task A_rebuild_says_what_was_wrong_and_serves_what_is_right()
    {
        await using var log = new TempLog();
        await log.FillAsync(4, traces: 5);
        await using var engine = new TFixture();
        await engine.StartAsync();
        await using var host = await ServingAsync(log, engine.Store);
        await AskAsync(host, log, engine.Store);
        await Host.UntilAsync(() => host.Progress.Rebuilt is { Generation: 2, Equal: not null });
        host.Progress.Rebuilt.Should().BeEquivalentTo(new { Served = true, Equal = true, Differences = Array.Empty<string>() });

        // Somebody's hand in the rows, which no fact tells of.
        await using (var db = engine.Store.Open(Host.Traces, 2)) await db.Database.ExecuteSqlAsync(Spoil(db), Ct);
        await AskAsync(host, log, engine.Store);
        await Host.UntilAsync(() => host.Progress.Rebuilt is { Generation: 3, Equal: not null });
        host.Progress.Rebuilt!.Equal.Should().BeFalse();
        host.Progress.Rebuilt.Differences.Should().ContainSingle().Which.Should().StartWith("runs: some of the 5 rows");
        (await Logs.HashAsync(engine.Store, Host.Traces, 3)).Should().Be(await log.HashAsync());
    }

    [Fact]
    public async Task A_changed_shape_is_built_beside_the_old_one_which_serves_until_then()
    {
        await using var log = new TempLog();
        await log.FillAsync(5, traces: 5);
        await using var engine = new TFixture();
        await engine.StartAsync();
        await using (await Host.StartAsync(log, engine.Store, new OldShape())) await Host.UntilAsync(() => IsServing(engine.Store, 1));

        // The new one cannot finish: its indexes wait for the test.
        var gate = new Gate(engine.Store);
        await using var host = await Host.StartAsync(log, gate);
        await gate.Reached.WaitAsync(TimeSpan.FromSeconds(30), Ct);
        await using (var db = host.Models.Open("traces"))
        {
            var runs = await db.Set<RunRow>().Select(r => new { r.TraceId, r.Agent, r.LastPosition, r.UserId }).ToListAsync(Ct);
            runs.Should().HaveCount(5).And.OnlyContain(r => r.UserId == null && r.LastPosition == 0, "the old shape knew neither");
            (await db.Set<SpanRow>().CountAsync(Ct)).Should().Be(0, "nor had it this table");
        }
        gate.Open();
        await Host.UntilAsync(() => host.Progress is { Generation: 2, State: ProjectionState.Live });
        (await Logs.HashAsync(engine.Store, Host.Traces, 2)).Should().Be(await log.HashAsync());
    }

    [Fact]
    public async Task Traces_recorded_before_the_days_to_keep_go_and_their_sums_stay()
    {
        // Everything in these histories was recorded at the second of January 2026.
        await using var log = new TempLog();
        await log.FillAsync(7, traces: 5);
        await using var engine = new TFixture();
        await engine.StartAsync();
        await using (await ServingAsync(log, engine.Store)) { }
        await using (var before = engine.Store.Open(Host.Traces, 1)) (await before.Set<RunRow>().CountAsync(Ct)).Should().Be(5);

        await using var host = await Host.StartAsync(log, engine.Store, keepDays: 30);
        await using var db = engine.Store.Open(Host.Traces, 1);
        await Host.UntilAsync(() => !db.Set<RunRow>().Any());
        (await db.Set<SpanRow>().CountAsync(Ct), await db.Set<FactRow>().CountAsync(Ct)).Should().Be((0, 0));
        (await db.Set<BucketRow>().CountAsync(Ct)).Should().BePositive();
    }

    [Fact]
    public async Task A_release_older_than_what_was_built_leaves_it_alone()
    {
        await using var log = new TempLog();
        await log.FillAsync(6, traces: 2);
        await using var engine = new TFixture();
        await engine.StartAsync();
        await using (await ServingAsync(log, engine.Store)) { }

        await using var older = await Host.StartAsync(log, engine.Store, new OldShape());
        await Host.UntilAsync(() => older.Progress.State == ProjectionState.Stopped);
        older.Progress.Trouble.Should().Contain("newer release");
        (await engine.Store.GenerationsAsync(Ct)).Should().ContainSingle().Which.Should().Match<Generation>(g => g.Serving && g.Version == Host.Traces.Version);
    }

    static async Task<Host> ServingAsync(IEventLog log, IReadStore store)
    {
        var host = await Host.StartAsync(log, store);
        await Host.UntilAsync(() => host.Progress.State == ProjectionState.Live);
        return host;
    }

#pragma warning disable CA1859 // The handler's own method is protected.
    static async Task AskAsync(Host host, IEventLog log, IReadStore store)
    {
        IRequestHandler<RebuildProjection, MediatR.Unit> door = new RebuildProjection.Handler(host.Models, log, store);
        await door.Handle(new(FirstStart.Operator("test"), "traces"), Ct);
    }
#pragma warning restore CA1859

    static bool IsServing(IReadStore store, int number) => store.GenerationsAsync(Ct).GetAwaiter().GetResult().Any(g => g.Number == number && g.Serving);

    static bool IsWanted(IReadStore store) => store.GenerationsAsync(Ct).GetAwaiter().GetResult() is var all && all.Any(g => !g.Serving && g.Number > all.First(s => s.Serving).Number);

    static FormattableString Spoil(ReadDb db) => System.Runtime.CompilerServices.FormattableStringFactory.Create(
        $"UPDATE {(db.Schema is { } schema ? $"{schema}." : "")}runs SET agent = 'nobody' WHERE trace_id = 't1'");

    /// <summary>The first release's shape: runs alone, and less of them.</summary>
    sealed class OldShape : Projection
    {
        public override string Name => "traces";
        public override int Version => 0;
        public override IReadOnlyList<Type> Rows { get; } = [typeof(OldRun)];
        public override IProjector Start(Func<ReadDb> open) => new Runs();

        [System.ComponentModel.DataAnnotations.Schema.Table("runs"), Microsoft.EntityFrameworkCore.PrimaryKey(nameof(Project), nameof(TraceId))]
        public sealed class OldRun
        {
            public string Project { get; set; } = "";
            public string TraceId { get; set; } = "";
            public int Status { get; set; }
        }

        sealed class Runs : IProjector
        {
            public Task ApplyAsync(IReadOnlyList<Fact> facts, IReadBatch batch, Action<Fact, Exception> park, CancellationToken ct) => batch.UpsertAsync(
                facts.Where(f => f.Header.TraceId is not null).Select(f => new OldRun { Project = f.Header.Project, TraceId = f.Header.TraceId! }).DistinctBy(r => r.TraceId).ToList(), ct);

            public void Committed() { }
        }
    }
}

public sealed class SqliteRebuildSteps : RebuildStepsTests<SqliteReadFixture>;

public sealed class PostgresRebuildSteps : RebuildStepsTests<PostgresReadFixture>;
