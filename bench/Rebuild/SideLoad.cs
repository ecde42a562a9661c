using System.Diagnostics;
using Hindcast.Bench.Ingest;

namespace Hindcast.Bench.Rebuild;

/// <summary>What goes on meanwhile: 1,000 events a second, and lists and trees that are read one after the other.</summary>
sealed class SideLoad : IAsyncDisposable
{
    const int Rate = 1_000, BatchSize = 50;

    readonly HttpClient _http;
    readonly CancellationTokenSource _stop = new();
    readonly Task _running;
    int _reads, _failed, _refused;

    public SideLoad(HttpClient http)
    {
        _http = http;
        _running = Task.WhenAll(WriteAsync(), ReadAsync());
    }

    public string Counts => $"{_reads:N0} reads, {_failed} failed; {_refused} writes refused";

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
    }

    async Task WriteAsync()
    {
        var (load, watch) = (new Load(BatchSize, first: 10_000_000), Stopwatch.StartNew());
        for (var batch = 0; !_stop.IsCancellationRequested; batch++)
        {
            var due = TimeSpan.FromSeconds(batch * (double)BatchSize / Rate);
            if (due > watch.Elapsed) await Task.Delay(due - watch.Elapsed);
            using var answer = await _http.PostAsync("/api/v1/events", load.Next().Content());
            if (!answer.IsSuccessStatusCode) _refused++;
        }
    }

    async Task ReadAsync()
    {
        for (var i = 0; !_stop.IsCancellationRequested; i++)
        {
            using var answer = await _http.GetAsync(i % 2 == 0 ? "/api/v1/traces?limit=50" : $"/api/v1/traces/run-{i / 2 % 20}-{i % 100}/tree");
            _reads++;
            if (!answer.IsSuccessStatusCode) _failed++;
            await Task.Delay(50);
        }
    }
}
