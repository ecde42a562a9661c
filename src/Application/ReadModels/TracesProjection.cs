using Hindcast.Application.Traces;
using Hindcast.Domain.Pricing;

namespace Hindcast.Application.ReadModels;

/// <summary>Traces: spans, runs, failures, the facts behind them, and the buckets they count in.</summary>
public sealed class TracesProjection(FactReader reader) : Projection
{
    public override string Name => "traces";

    public override int Version => 2;

    public override IReadOnlyList<Type> Rows { get; } = [typeof(SpanRow), typeof(RunRow), typeof(FactRow), typeof(FailureRow), typeof(BucketRow)];

    public override IProjector Start(Func<ReadDb> open) => new TracesProjector(reader, BuiltInPrices.Book, open);
}
