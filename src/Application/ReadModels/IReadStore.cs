using Hindcast.Application.EventSourcing;

namespace Hindcast.Application.ReadModels;

/// <summary>The engine behind the read models.</summary>
/// <remarks>
/// <list type="number">
/// <item>The rows of a batch and its checkpoint become visible together or not at all.</item>
/// <item>A checkpoint only moves from where the batch said it stood, and only for the owner who claimed it last; otherwise
/// <see cref="CheckpointMoved"/>, and nothing is written.</item>
/// <item>An upsert of the same rows twice leaves what the first left.</item>
/// <item>A projection has one owner at a time, and each new one a higher epoch. One that neither renews nor leaves is replaced after
/// <see cref="Tenure.Lease"/>; what it has open then neither stands in the way nor takes effect.</item>
/// <item>Everything here can be deleted while no server runs; it is made again from the log.</item>
/// <item>A failure that will pass (a stopped database) is <see cref="Unavailable"/>; any other failure is the rows' fault.</item>
/// </list>
/// </remarks>
public interface IReadStore
{
    /// <summary>Cancelled while the engine does not answer; a new one stands here once it does again.</summary>
    CancellationToken Away { get; }

    Task<IReadOnlyList<Generation>> GenerationsAsync(CancellationToken ct);

    /// <summary>
    /// Makes the tables of a generation, without what only readers need, and writes it down; what one of that number left is removed first.
    /// </summary>
    Task CreateAsync(Projection projection, Generation generation, CancellationToken ct);

    /// <summary>Adds what only readers need: indexes and statistics. What is there already is left.</summary>
    Task FinishAsync(Projection projection, int generation, CancellationToken ct);

    /// <summary>Adds to a generation of an older shape, empty, the columns and tables that the present shape has more.</summary>
    Task WidenAsync(Projection projection, int generation, CancellationToken ct);

    /// <summary>Lets a generation serve in place of all others of its projection, in one transaction; those stay until they are dropped.</summary>
    /// <exception cref="CheckpointMoved">Somebody else owns the projection.</exception>
    Task ServeAsync(Generation generation, long epoch, CancellationToken ct);

    Task DropAsync(Generation generation, CancellationToken ct);

    /// <summary>The days that rows stand in, the oldest first.</summary>
    Task<IReadOnlyList<int>> DaysAsync(Projection projection, int generation, CancellationToken ct);

    /// <summary>Removes all rows that stand in days before one, table by table where the table has days. Others, such as sums, stay.</summary>
    Task ForgetAsync(Projection projection, int generation, int day, CancellationToken ct);

    /// <summary>
    /// Rewrites the tables of all generations so that nothing that was deleted is left in their files. Writers wait meanwhile.
    /// </summary>
    /// <param name="smallerThan">Bytes; a store that has as many or more is left as it is, and the answer is false.</param>
    Task<bool> ScrubAsync(long smallerThan, CancellationToken ct);

    /// <summary>Takes or renews the right to write a projection.</summary>
    /// <param name="epoch">What the caller holds; 0 for nothing.</param>
    /// <param name="said">What the owner wants the others to know.</param>
    Task<Tenure> OwnAsync(string projection, long epoch, string? said, CancellationToken ct);

    /// <summary>Gives the right up, so that nobody has to wait for the lease to end.</summary>
    Task LeaveAsync(string projection, long epoch, CancellationToken ct);

    /// <summary>Asks the owner, whoever it is, to apply parked facts again; the next renewal tells it.</summary>
    Task AskReplayAsync(string projection, CancellationToken ct);

    /// <summary>Opens a generation for queries or, <paramref name="forWork"/>, for those who write it: neither takes connections or time from the other.</summary>
    ReadDb Open(Projection projection, int generation, bool forWork = false);

    /// <summary>Makes the tables of a generation readable on the connection of another projection's; the answer goes before their names.</summary>
    Task<string> BesideAsync(ReadDb db, Projection projection, int generation, CancellationToken ct);

    /// <summary>How searches are written here.</summary>
    Search.ISqlDialect Dialect { get; }

    /// <summary>Opens a generation as it stands now, however it changes meanwhile.</summary>
    Task<ReadDb> SnapshotAsync(Projection projection, int generation, CancellationToken ct);

    /// <summary>From now on only this epoch moves the checkpoint.</summary>
    /// <returns>Where it stands.</returns>
    /// <exception cref="CheckpointMoved">A later owner has claimed it.</exception>
    Task<LogPosition> ClaimAsync(Projection projection, int generation, long epoch, CancellationToken ct);

    /// <param name="ahead">
    /// For a generation that nobody reads yet: its commit may return before it is done, so that the next page is folded meanwhile. The commit
    /// after it, and <see cref="FlushAsync"/>, fail if it did.
    /// </param>
    Task<IReadBatch> BeginAsync(Projection projection, int generation, long epoch, CancellationToken ct, bool ahead = false);

    /// <summary>Waits for what was committed ahead.</summary>
    Task FlushAsync(Projection projection, int generation, CancellationToken ct);

    /// <summary>What a failed query says of the engine, or null when it was the query's own fault.</summary>
    QueryFailure? Judge(Exception failure);
}

public enum QueryFailure
{
    /// <summary>The engine does not answer.</summary>
    Away,
    /// <summary>The generation was dropped while it was being asked.</summary>
    Gone,
    /// <summary>It took longer than queries may.</summary>
    TooSlow,
}

/// <summary>One build of a projection's tables.</summary>
/// <param name="LogId">The log it was built from: a checkpoint means nothing in another.</param>
/// <param name="Serving">Queries go here; at most one of a projection. One with a higher number is being built, one with a lower goes.</param>
/// <param name="AcceptParked">It may take over even if some facts could not be applied.</param>
public sealed record Generation(string Projection, int Number, int Version, Guid LogId, bool Serving, bool AcceptParked = false);

/// <summary>Who may write a projection.</summary>
/// <param name="Said">What the owner told last.</param>
/// <param name="ReplayAsked">Somebody wants parked facts applied again; told once.</param>
public sealed record Tenure(string Node, bool Ours, long Epoch, string? Said, bool ReplayAsked)
{
    /// <summary>How long an owner may be silent.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(6);
    public static readonly TimeSpan Renewal = TimeSpan.FromSeconds(2);
}

/// <summary>Rows on their way in, in one transaction.</summary>
public interface IReadBatch : IAsyncDisposable
{
    /// <summary>Rows whose keys were never written: where loading is faster than replacing, they are loaded. They are not changed afterwards.</summary>
    Task InsertAsync<T>(IReadOnlyCollection<T> rows, CancellationToken ct) where T : class;

    /// <summary>Inserts or replaces by primary key; <see cref="KeepWhenNullAttribute"/> columns keep what they hold when the new value is null.</summary>
    Task UpsertAsync<T>(IReadOnlyCollection<T> rows, CancellationToken ct) where T : class;

    /// <summary>Deletes by primary key; the other columns do not matter.</summary>
    Task DeleteAsync<T>(IReadOnlyCollection<T> rows, CancellationToken ct) where T : class;

    Task CommitAsync(LogPosition from, LogPosition to, CancellationToken ct);
}

public sealed class CheckpointMoved(string projection) : Exception($"Somebody else moved the checkpoint of '{projection}'.");
