using Hindcast.Application.ReadModels;

namespace Hindcast.Application.Intake;

/// <summary>Where the counts of <see cref="IntakeBook"/> outlive the process: beside the keys, because they follow from no fact.</summary>
public interface IIntakeStore
{
    /// <summary>Counting begins; whatever ran before and did not end was killed.</summary>
    Task BeginAsync(DateTimeOffset now, CancellationToken ct);

    /// <summary>Adds to what stands there, all of the rows or none: all that was counted until <paramref name="now"/> is in them.</summary>
    /// <param name="ends">Nothing more will be counted.</param>
    Task AddAsync(IReadOnlyList<IntakeRow> rows, DateTimeOffset now, bool ends, CancellationToken ct);

    /// <summary>The sums of some minutes, by source.</summary>
    /// <param name="projects">Null: all there are.</param>
    Task<IReadOnlyList<IntakeRow>> SumAsync(IReadOnlyList<string>? projects, DateTimeOffset from, DateTimeOffset to, CancellationToken ct);

    /// <summary>When somebody counted, oldest first; the last one still does.</summary>
    Task<IReadOnlyList<IntakeRun>> RunsAsync(CancellationToken ct);
}

/// <param name="Key">Of a sum, the minute is no one's.</param>
/// <param name="Counts">By <see cref="IntakeFate"/>.</param>
public sealed record IntakeRow(SourceKey Key, IReadOnlyList<long> Counts);

/// <summary>One life of the process, as far as counting goes.</summary>
/// <param name="Until">What was counted later was never written down.</param>
/// <param name="Ended">It was, to the last: the process was not killed.</param>
public sealed record IntakeRun(DateTimeOffset From, DateTimeOffset Until, bool Ended);
