using Hindcast.Application.Agents;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Traces;

namespace Hindcast.Application.ReadModels;

/// <summary>
/// Traces: spans, runs, failures, the facts behind them, the buckets and sources they count in, the prices they are paid at, and the agents that ran.
/// What reads every fact anyway stands here together, so that each is read and parsed once.
/// </summary>
public sealed class TracesProjection(FactReader reader, RepricingProgress? repricing = null, Streams? streams = null) : Projection
{
    public override string Name => "traces";

    public override int Version => 9;

    public override IReadOnlyList<Type> Rows { get; } =
    [
        typeof(SpanRow), typeof(RunRow), typeof(FactRow), typeof(ScoreRow), typeof(FailureRow), typeof(BucketRow), typeof(SourceRow), typeof(PriceRow), typeof(AgentRow), typeof(AgentVersionRow), typeof(SubjectRow),
    ];

    public override IProjector Start(Func<ReadDb> open) => new Together(new TracesProjector(reader, repricing ?? new(), open, streams), new AgentsProjector(reader, open));

    /// <summary>Agents beside traces: one page, one transaction.</summary>
    sealed class Together(TracesProjector traces, AgentsProjector agents) : IProjector
    {
        public async Task ApplyAsync(IReadOnlyList<Fact> facts, IReadBatch batch, Action<Fact, Exception> park, CancellationToken ct)
        {
            await traces.ApplyAsync(facts, batch, park, ct);
            await agents.ApplyAsync(facts, batch, park, ct);
        }

        public IReadOnlyList<Live.TraceChange> Changes => traces.Changes;

        public void Committed() => traces.Committed();
    }
}
