using System.Collections.Concurrent;
using Hindcast.Application.Projects;

namespace Hindcast.Unit.Projects;

/// <summary>A vault that forgets with the test.</summary>
sealed class MemoryVault : IVault
{
    readonly ConcurrentDictionary<string, KeyRow> _keys = new();
    readonly ConcurrentDictionary<string, byte[]> _secrets = new();

    public ConcurrentDictionary<(string, string), AnswerRow> Answers { get; } = new();

    public Task<IReadOnlyList<KeyRow>> KeysAsync(CancellationToken ct) => Task.FromResult<IReadOnlyList<KeyRow>>([.. _keys.Values]);

    public Task SaveAsync(IReadOnlyList<KeyRow> keys, CancellationToken ct)
    {
        foreach (var key in keys) _keys[key.Id] = key;
        return Task.CompletedTask;
    }

    public Task SaveUseAsync(IReadOnlyList<(string Id, DateTimeOffset LastUsed)> uses, CancellationToken ct)
    {
        foreach (var (id, used) in uses) _keys[id] = _keys[id] with { LastUsed = used };
        return Task.CompletedTask;
    }

    public Task<byte[]> SecretAsync(string name, Func<byte[]> make, CancellationToken ct) => Task.FromResult(_secrets.GetOrAdd(name, _ => make()));

    public Task<AnswerRow?> AnswerAsync(string project, string key, CancellationToken ct) => Task.FromResult(Answers.GetValueOrDefault((project, key)));

    public Task SaveAsync(string project, string key, AnswerRow answer, CancellationToken ct)
    {
        Answers[(project, key)] = answer;
        return Task.CompletedTask;
    }

    public Task<int> SweepAsync(DateTimeOffset now, CancellationToken ct) =>
        Task.FromResult(Answers.Where(a => a.Value.Expires <= now).Count(a => Answers.TryRemove(a)));
}
