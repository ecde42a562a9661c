using Hindcast.Application.Traces;

namespace Hindcast.Application.ReadModels;

/// <summary>Traces: spans, runs, failures, the facts behind them, the buckets they count in, and the prices they are paid at.</summary>
public sealed class TracesProjection(FactReader reader, RepricingProgress? repricing = null) : Projection
{
    public override string Name => "traces";

    public override int Version => 5;

    public override IReadOnlyList<Type> Rows { get; } = [typeof(SpanRow), typeof(RunRow), typeof(FactRow), typeof(FailureRow), typeof(BucketRow), typeof(PriceRow)];

    public override IProjector Start(Func<ReadDb> open) => new TracesProjector(reader, repricing ?? new(), open);
}
