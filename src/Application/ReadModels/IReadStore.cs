using Hindcast.Application.EventSourcing;

namespace Hindcast.Application.ReadModels;

/// <summary>The engine behind the read models.</summary>
/// <remarks>
/// <list type="number">
/// <item>The rows of a batch and its checkpoint become visible together or not at all.</item>
/// <item>A checkpoint only moves from where the batch said it stood; otherwise <see cref="CheckpointMoved"/>, and nothing is written.</item>
/// <item>An upsert of the same rows twice leaves what the first left.</item>
/// <item>Everything here can be deleted while the server is stopped; it is made again from the log.</item>
/// <item>A failure that will pass (a stopped database) is <see cref="Unavailable"/>; any other failure is the rows' fault.</item>
/// </list>
/// </remarks>
public interface IReadStore
{
    Task<IReadOnlyList<Generation>> GenerationsAsync(CancellationToken ct);

    /// <summary>Makes the tables of a generation and writes it down; what a half-made one left is removed first.</summary>
    Task CreateAsync(Projection projection, Generation generation, CancellationToken ct);

    /// <summary>Lets a generation serve in place of all others of its projection, in one transaction, and then drops those.</summary>
    Task ServeAsync(Generation generation, CancellationToken ct);

    /// <summary>Opens a generation for queries.</summary>
    ReadDb Open(Projection projection, int generation);

    /// <summary>Makes the tables of a generation readable on the connection of another projection's; the answer goes before their names.</summary>
    Task<string> BesideAsync(ReadDb db, Projection projection, int generation, CancellationToken ct);

    /// <summary>How searches are written here.</summary>
    Search.ISqlDialect Dialect { get; }

    Task<IReadBatch> BeginAsync(Projection projection, int generation, CancellationToken ct);
}

/// <summary>One build of a projection's tables.</summary>
/// <param name="LogId">The log it was built from: a checkpoint means nothing in another.</param>
/// <param name="Serving">Queries go here; at most one of a projection.</param>
public sealed record Generation(string Projection, int Number, int Version, Guid LogId, bool Serving);

/// <summary>Rows on their way in, in one transaction.</summary>
public interface IReadBatch : IAsyncDisposable
{
    /// <summary>Inserts or replaces by primary key; <see cref="KeepWhenNullAttribute"/> columns keep what they hold when the new value is null.</summary>
    Task UpsertAsync<T>(IReadOnlyCollection<T> rows, CancellationToken ct) where T : class;

    /// <summary>Deletes by primary key; the other columns do not matter.</summary>
    Task DeleteAsync<T>(IReadOnlyCollection<T> rows, CancellationToken ct) where T : class;

    Task CommitAsync(LogPosition from, LogPosition to, CancellationToken ct);
}

public sealed class CheckpointMoved(string projection) : Exception($"Somebody else moved the checkpoint of '{projection}'.");
