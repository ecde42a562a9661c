using Hindcast.Application.EventSourcing;
using Hindcast.Infrastructure.EventLogs.EventStoreDb;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hindcast.Integration.EventLogs.EventStoreDb;

/// <summary>
/// The engine on the server that <c>ConnectionStrings__EventStoreDb</c> names, or else on a fake one. A real server cannot be emptied, so every
/// test has a log of its own name.
/// </summary>
public sealed class EventStoreDbLogFixture : ILogFixture
{
    static readonly string? s_real = Environment.GetEnvironmentVariable("ConnectionStrings__EventStoreDb") is { Length: > 0 } given ? given : null;

    readonly string _name = $"test_{Guid.NewGuid():n}";
    FakeEventStore? _fake;
    EventStoreDbEventLog? _engine;

    public IEventLog Engine => _engine!;
    public IEventLog Log { get; private set; } = null!;

    public async Task StartAsync()
    {
        if (s_real is null) _fake ??= await FakeEventStore.StartAsync();
        _engine = EventStoreDbEventLog.Open(s_real ?? _fake!.ConnectionString, _name, null, TimeProvider.System, NullLogger.Instance);
        Log = new PartedLog(_engine);
    }

    public async Task RestartAsync()
    {
        await _engine!.DisposeAsync();
        await StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_engine is not null) await _engine.DisposeAsync();
        if (_fake is not null) await _fake.DisposeAsync();
    }
}
