using System.ComponentModel.DataAnnotations.Schema;
using Hindcast.Application.EventSourcing;
using Microsoft.EntityFrameworkCore;

namespace Hindcast.Application.ReadModels;

/// <summary>
/// A set of read models that follow the log together: each page is read and parsed once for all of them, and their rows and the one
/// checkpoint are saved in one transaction. Rows are a pure function of the facts, whatever their order and however often they came.
/// </summary>
public abstract class Projection
{
    public abstract string Name { get; }

    /// <summary>Raised whenever the tables or their meaning change: the next start builds the new shape from the log.</summary>
    public abstract int Version { get; }

    /// <summary>
    /// The oldest shape this release's queries can read while the present one is built, once it was given the columns and tables it lacks,
    /// empty. Raised with <see cref="Version"/> when an old value would be read wrongly; then nothing serves until the new shape is built.
    /// </summary>
    public virtual int OldestReadable => 0;

    public abstract IReadOnlyList<Type> Rows { get; }

    /// <summary>One follower's working memory; made anew after any failure.</summary>
    public abstract IProjector Start(Func<ReadDb> open);
}

/// <summary>Turns facts into rows for one generation.</summary>
public interface IProjector
{
    /// <summary>
    /// Applies facts in log order and writes the rows they change. A fact that cannot be applied is given to <paramref name="park"/> and has
    /// no effect; the others have all of theirs.
    /// </summary>
    Task ApplyAsync(IReadOnlyList<Fact> facts, IReadBatch batch, Action<Fact, Exception> park, CancellationToken ct);

    /// <summary>The traces that the facts applied last changed, until <see cref="Committed"/>; for those who listen.</summary>
    IReadOnlyList<Live.TraceChange> Changes => [];

    /// <summary>What was applied is durable: working memory may count on it.</summary>
    void Committed();
}

/// <summary>Where a generation stands in the log, and which owner moves it. One row.</summary>
[Table("checkpoint"), PrimaryKey(nameof(Id))]
public sealed class CheckpointRow
{
    public int Id { get; set; }
    public long Position { get; set; }
    public long Epoch { get; set; }
}

/// <summary>A fact that could not be applied: kept with its place and reason until it is replayed.</summary>
[Table("parked"), PrimaryKey(nameof(Position))]
public sealed class ParkedRow
{
    [ByArrival] public long Position { get; set; }
    public string Stream { get; set; } = "";
    [ByArrival] public long Revision { get; set; }
    public byte[] EventId { get; set; } = [];
    public string Type { get; set; } = "";
    public string Reason { get; set; } = "";
    /// <summary>µs UTC.</summary>
    [ByArrival] public long ParkedAt { get; set; }
}
