using Hindcast.Application.EventSourcing;
using Hindcast.Application.ReadModels;

namespace Hindcast.Integration.Projections;

/// <summary>A store that makes indexes only once it is told to.</summary>
sealed class Gate(IReadStore inner) : IReadStore
{
    readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously), _open = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task Reached => _reached.Task;

    public void Open() => _open.SetResult();

    public async Task FinishAsync(Projection projection, int generation, CancellationToken ct)
    {
        _reached.TrySetResult();
        await _open.Task.WaitAsync(ct);
        await inner.FinishAsync(projection, generation, ct);
    }

    public CancellationToken Away => inner.Away;
    public Task<IReadOnlyList<Generation>> GenerationsAsync(CancellationToken ct) => inner.GenerationsAsync(ct);
    public Task CreateAsync(Projection projection, Generation generation, CancellationToken ct) => inner.CreateAsync(projection, generation, ct);
    public Task WidenAsync(Projection projection, int generation, CancellationToken ct) => inner.WidenAsync(projection, generation, ct);
    public Task ServeAsync(Generation generation, long epoch, CancellationToken ct) => inner.ServeAsync(generation, epoch, ct);
    public Task DropAsync(Generation generation, CancellationToken ct) => inner.DropAsync(generation, ct);
    public Task<IReadOnlyList<int>> DaysAsync(Projection projection, int generation, CancellationToken ct) => inner.DaysAsync(projection, generation, ct);
    public Task ForgetAsync(Projection projection, int generation, int day, CancellationToken ct) => inner.ForgetAsync(projection, generation, day, ct);
    public Task<bool> ScrubAsync(long smallerThan, CancellationToken ct) => inner.ScrubAsync(smallerThan, ct);
    public Task<Tenure> OwnAsync(string projection, long epoch, string? said, CancellationToken ct) => inner.OwnAsync(projection, epoch, said, ct);
    public Task LeaveAsync(string projection, long epoch, CancellationToken ct) => inner.LeaveAsync(projection, epoch, ct);
    public Task AskReplayAsync(string projection, CancellationToken ct) => inner.AskReplayAsync(projection, ct);
    public ReadDb Open(Projection projection, int generation, bool forWork = false) => inner.Open(projection, generation, forWork);
    public Task<ReadDb> SnapshotAsync(Projection projection, int generation, CancellationToken ct) => inner.SnapshotAsync(projection, generation, ct);
    public Task<LogPosition> ClaimAsync(Projection projection, int generation, long epoch, CancellationToken ct) => inner.ClaimAsync(projection, generation, epoch, ct);
    public Task<IReadBatch> BeginAsync(Projection projection, int generation, long epoch, CancellationToken ct, bool ahead = false) => inner.BeginAsync(projection, generation, epoch, ct, ahead);
    public Task FlushAsync(Projection projection, int generation, CancellationToken ct) => inner.FlushAsync(projection, generation, ct);
    public Task<string> BesideAsync(ReadDb db, Projection projection, int generation, CancellationToken ct) => inner.BesideAsync(db, projection, generation, ct);
    public Application.Search.ISqlDialect Dialect => inner.Dialect;
    public QueryFailure? Judge(Exception failure) => inner.Judge(failure);
}
