using Hindcast.Application.EventSourcing;
using Hindcast.Application.ReadModels;

namespace Hindcast.Infrastructure.ReadModels.Postgres;

/// <summary>
/// Loads a generation that nobody reads yet: a page is written while the next one is read and folded, one at a time and in order, each in a
/// transaction of its own with its checkpoint. A page that fails fails the commit after it, and nothing behind it is written.
/// </summary>
sealed class PostgresLoad(string schema, Func<ReadDb> open, Func<CancellationToken, Task<PostgresBatch>> begin)
{
    Task _writing = Task.CompletedTask;

    public IReadBatch Begin() => new Page(this);

    /// <summary>Waits for the page that is being written, and fails if it failed.</summary>
    public Task FlushAsync() => _writing;

    sealed class Page(PostgresLoad load) : IReadBatch
    {
        readonly List<PostgresBatch.Step> _steps = [];

        public Task InsertAsync<T>(IReadOnlyCollection<T> rows, CancellationToken ct) where T : class => Later(PostgresBatch.Copy(load.Schema, load.Open, rows));

        public Task UpsertAsync<T>(IReadOnlyCollection<T> rows, CancellationToken ct) where T : class => Later(PostgresBatch.Upsert(load.Schema, load.Open, rows));

        public Task DeleteAsync<T>(IReadOnlyCollection<T> rows, CancellationToken ct) where T : class => Later(PostgresBatch.Delete(load.Schema, load.Open, rows));

        public async Task CommitAsync(LogPosition from, LogPosition to, CancellationToken ct)
        {
            await load._writing;
            load._writing = Task.Run(() => WriteAsync(from, to, ct), CancellationToken.None);
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;

        Task Later(PostgresBatch.Step step)
        {
            _steps.Add(step);
            return Task.CompletedTask;
        }

        async Task WriteAsync(LogPosition from, LogPosition to, CancellationToken ct)
        {
            await using var batch = await load.BeginAsync(ct);
            foreach (var step in _steps) await step(batch, ct);
            await batch.CommitAsync(from, to, ct);
        }
    }

    string Schema => schema;
    Func<ReadDb> Open => open;
    Task<PostgresBatch> BeginAsync(CancellationToken ct) => begin(ct);
}
