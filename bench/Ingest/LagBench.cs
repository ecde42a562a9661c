using System.Diagnostics;
using System.Net.Http.Headers;

namespace Hindcast.Bench.Ingest;

/// <summary>
/// Lag from 2xx to readable (goal G4): 5,000 events/s in batches of 50, and beside them a reader that waits for its own writes with
/// <c>X-Min-Position</c>. The time from the acknowledgement to that answer, read included, is the lag.
/// </summary>
static class LagBench
{
    const int Rate = 5_000, BatchSize = 50, Seconds = 35, WarmUpSeconds = 5;

    public static async Task RunAsync(string? postgres)
    {
        Console.WriteLine($"{Rate:N0} events/s for {Seconds} s, read models on {(postgres is null ? "SQLite" : "PostgreSQL")}; {Machine.Describe()}");
        var folder = Directory.CreateDirectory(Path.Combine(Environment.CurrentDirectory, "artifacts", "bench-lag")).FullName;
        try
        {
            var settings = new Dictionary<string, string>();
            if (postgres is not null) settings["ConnectionStrings__Postgres"] = postgres;
            await using var server = await HindcastProcess.StartAsync(folder, settings);
            using var http = server.Client();
            var load = new Load(BatchSize);
            var (cold, lags) = (new List<double>(), new List<double>());
            var reads = new List<Task>();
            var watch = Stopwatch.StartNew();
            for (var batch = 0; watch.Elapsed.TotalSeconds < Seconds; batch++)
            {
                var due = TimeSpan.FromSeconds(batch * (double)BatchSize / Rate);
                if (due > watch.Elapsed) await Task.Delay(due - watch.Elapsed);
                reads.Add(WriteAndReadAsync(http, load.Next().Body, watch.Elapsed.TotalSeconds < WarmUpSeconds ? cold : lags, probe: batch % 4 == 0));
            }
            await Task.WhenAll(reads);
            Console.WriteLine($"{reads.Count * BatchSize / watch.Elapsed.TotalSeconds:N0} events/s acknowledged");
            Print($"the first {WarmUpSeconds} s of a new process", cold);
            Print("after them (goal p99 250 ms)", lags);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    static void Print(string when, List<double> lags)
    {
        lags.Sort();
        Console.WriteLine($"{when}: {lags.Count} probes, p50 {At(lags, 0.50):N1} ms, p95 {At(lags, 0.95):N1} ms, p99 {At(lags, 0.99):N1} ms, most {lags[^1]:N1} ms");
    }

    static double At(List<double> sorted, double part) => sorted[(int)Math.Ceiling(part * sorted.Count) - 1];

    static async Task WriteAndReadAsync(HttpClient http, byte[] body, List<double> lags, bool probe)
    {
        using var content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        using var response = await http.PostAsync("/api/v1/events", content);
        response.EnsureSuccessStatusCode();
        if (!probe) return;
        var acknowledged = Stopwatch.GetTimestamp();
        using var read = new HttpRequestMessage(HttpMethod.Get, "/api/v1/traces?limit=1");
        read.Headers.Add("X-Min-Position", response.Headers.GetValues("X-Log-Position").Single());
        using var answer = await http.SendAsync(read);
        answer.EnsureSuccessStatusCode();
        var lag = Stopwatch.GetElapsedTime(acknowledged).TotalMilliseconds;
        lock (lags) lags.Add(lag);
    }
}
