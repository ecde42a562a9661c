using Hindcast.Application.EventSourcing;
using Hindcast.Application.ReadModels;

namespace Hindcast.Integration.Projections;

/// <summary>A store whose process dies before its k-th step, or after it with nobody left to hear of it; from then on it does nothing.</summary>
sealed class MortalStore(IReadStore inner, int steps, bool after) : IReadStore
{
    int _steps;

    public bool Died => _steps > steps;

    sealed class Dead() : Exception("This process is dead.");

    /// <param name="lasting">Steps that change something; looking is no step.</param>
    async Task<T> StepAsync<T>(Func<Task<T>> step, bool lasting = true)
    {
        if (Died) throw new Dead();
        if (!lasting) return await step();
        var last = Interlocked.Increment(ref _steps) > steps;
        if (last && !after) throw new Dead();
        var answer = await step();
        return last ? throw new Dead() : answer;
    }

    Task<bool> StepAsync(Func<Task> step) => StepAsync(async () =>
    {
        await step();
        return true;
    });

    public CancellationToken Away => inner.Away;
    public Task<IReadOnlyList<Generation>> GenerationsAsync(CancellationToken ct) => StepAsync(() => inner.GenerationsAsync(ct), lasting: false);
    public Task CreateAsync(Projection projection, Generation generation, CancellationToken ct) => StepAsync(() => inner.CreateAsync(projection, generation, ct));
    public Task FinishAsync(Projection projection, int generation, CancellationToken ct) => StepAsync(() => inner.FinishAsync(projection, generation, ct));
    public Task WidenAsync(Projection projection, int generation, CancellationToken ct) => StepAsync(() => inner.WidenAsync(projection, generation, ct));
    public Task ServeAsync(Generation generation, long epoch, CancellationToken ct) => StepAsync(() => inner.ServeAsync(generation, epoch, ct));
    public Task DropAsync(Generation generation, CancellationToken ct) => StepAsync(() => inner.DropAsync(generation, ct));
    public Task<IReadOnlyList<int>> DaysAsync(Projection projection, int generation, CancellationToken ct) => StepAsync(() => inner.DaysAsync(projection, generation, ct), lasting: false);
    public Task ForgetAsync(Projection projection, int generation, int day, CancellationToken ct) => StepAsync(() => inner.ForgetAsync(projection, generation, day, ct));
    public Task<bool> ScrubAsync(long smallerThan, CancellationToken ct) => inner.ScrubAsync(smallerThan, ct);
    public Task<Tenure> OwnAsync(string projection, long epoch, string? said, CancellationToken ct) => StepAsync(() => inner.OwnAsync(projection, epoch, said, ct), lasting: epoch == 0);
    public Task LeaveAsync(string projection, long epoch, CancellationToken ct) => Died ? Task.CompletedTask : inner.LeaveAsync(projection, epoch, ct);
    public Task AskReplayAsync(string projection, CancellationToken ct) => inner.AskReplayAsync(projection, ct);
    public ReadDb Open(Projection projection, int generation, bool forWork = false) => inner.Open(projection, generation, forWork);
    public Task<ReadDb> SnapshotAsync(Projection projection, int generation, CancellationToken ct) => StepAsync(() => inner.SnapshotAsync(projection, generation, ct));
    public Task<LogPosition> ClaimAsync(Projection projection, int generation, long epoch, CancellationToken ct) => StepAsync(() => inner.ClaimAsync(projection, generation, epoch, ct));
    public Task FlushAsync(Projection projection, int generation, CancellationToken ct) => inner.FlushAsync(projection, generation, ct);
    public Task<string> BesideAsync(ReadDb db, Projection projection, int generation, CancellationToken ct) => inner.BesideAsync(db, projection, generation, ct);
    public Application.Search.ISqlDialect Dialect => inner.Dialect;
    public QueryFailure? Judge(Exception failure) => inner.Judge(failure);

    public async Task<IReadBatch> BeginAsync(Projection projection, int generation, long epoch, CancellationToken ct, bool ahead = false) =>
        new Batch(this, await StepAsync(() => inner.BeginAsync(projection, generation, epoch, ct, ahead), lasting: false));

    sealed class Batch(MortalStore store, IReadBatch inner) : IReadBatch
    {
        public Task InsertAsync<T>(IReadOnlyCollection<T> rows, CancellationToken ct) where T : class => inner.InsertAsync(rows, ct);
        public Task UpsertAsync<T>(IReadOnlyCollection<T> rows, CancellationToken ct) where T : class => inner.UpsertAsync(rows, ct);
        public Task DeleteAsync<T>(IReadOnlyCollection<T> rows, CancellationToken ct) where T : class => inner.DeleteAsync(rows, ct);
        public Task CommitAsync(LogPosition from, LogPosition to, CancellationToken ct) => store.StepAsync(() => inner.CommitAsync(from, to, ct));
        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
