using Hindcast.Application;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.ReadModels;
using Hindcast.Application.Traces;
using Hindcast.Integration.ReadModels;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Hindcast.Integration.Projections;

/// <summary>A projection host in this process, over a log and a store that may be shared with another one.</summary>
sealed class Host : IAsyncDisposable
{
    readonly ProjectionHost _host;

    Host(IEventLog log, IReadStore store, Projection projection, int? keepDays)
    {
        Models = new([projection], store);
        _host = new(log, store, Models, TimeProvider.System, NullLogger<ProjectionHost>.Instance,
            Options.Create(new HindcastOptions { Retention = { Days = keepDays } }));
    }

    public ServingModels Models { get; }
    public ProjectionProgress Progress => Models.Progress["traces"];

    public static TracesProjection Traces => new(new FactReader([new PlainPayloads()]));

    public static async Task<Host> StartAsync(IEventLog log, IReadStore store, Projection? projection = null, int? keepDays = null)
    {
        var host = new Host(log, store, projection ?? Traces, keepDays);
        await host._host.StartAsync(TestContext.Current.CancellationToken);
        return host;
    }

    /// <summary>Waits until something holds, or the test has taken too long.</summary>
    public static async Task UntilAsync(Func<bool> holds)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(60));
        while (!holds()) await Task.Delay(5, patience.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync(CancellationToken.None);
        _host.Dispose();
    }
}

static class Logs
{
    /// <summary>Writes random histories into a log; stream by stream, as fast as it takes them.</summary>
    public static async Task FillAsync(this IEventLog log, int seed, int traces)
    {
        foreach (var stream in Recorded.Histories(seed, traces).GroupBy(f => f.Stream))
        {
            var head = await log.TailAsync(stream.Key, 1, default) is [var last] ? last.Revision : -1;
            foreach (var chunk in stream.DistinctBy(f => f.Event.Id).Chunk(7))
            {
                await log.AppendAsync(stream.Key, head, [.. chunk.Select(f => f.Event)], default);
                head += chunk.Length;
            }
        }
    }

    /// <summary>What follows from a log, built in one go by nobody but this test.</summary>
    public static async Task<string> HashAsync(this IEventLog log, Projection? projection = null)
    {
        await using var engine = new SqliteReadFixture();
        await engine.StartAsync();
        projection ??= Host.Traces;
        var generation = new Generation(projection.Name, 1, projection.Version, log.Id, Serving: false);
        await engine.Store.CreateAsync(projection, generation, default);
        var follower = new Follower(projection, generation, engine.Store, TimeProvider.System);
        var at = LogPosition.Start;
        await foreach (var page in log.FollowAsync(at, default))
        {
            if (page.Records.Count > 0) at = await follower.ApplyAsync(page, at, default);
            if (page.AtHead) break;
        }
        return await HashAsync(engine.Store, projection, 1);
    }

    public static async Task<string> HashAsync(IReadStore store, Projection projection, int generation)
    {
        await using var db = store.Open(projection, generation, forWork: true);
        return (await CanonicalDump.HashAsync(db, default)).Sha256;
    }
}
