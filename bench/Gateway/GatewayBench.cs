using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;

namespace Hindcast.Bench.Gateway;

/// <summary>
/// G7 and G8: what the gateway adds to a call, and how many it takes, beside a bare forwarder. Provider, forwarder, gateway and load are
/// processes of their own on one machine; rounds are interleaved, and the median of the rounds stands.
/// </summary>
static class GatewayBench
{
    const int Rounds = 7;
    const int CallsForTime = 400;
    const int CallsForRate = 4_000;
    const int CallsForCost = 20_000;
    const int CallsForMemory = 100_000;
    const int Connections = 16;

    static readonly string s_text = string.Join(' ', Enumerable.Range(0, 110).Select(i => $"word{i}"));

    /// <param name="paused">Leaves the read models where they are: the gateway and the log alone.</param>
    /// <param name="processor">Only what a call costs in processor time: other work on the machine does not change that much.</param>
    public static async Task RunAsync(bool paused, bool processor)
    {
        var (provider, forwarder) = (FreePort(), FreePort());
        using var fake = Start("instant-provider", $"{provider}");
        using var bare = Start("bare-forwarder", $"{forwarder}", $"http://127.0.0.1:{provider}");
        var folder = Directory.CreateTempSubdirectory("hindcast-gateway-").FullName;
        try
        {
            await using var server = await HindcastProcess.StartAsync(folder, new Dictionary<string, string>
            {
                ["Hindcast__Upstreams__AllowPrivateNetworks"] = "true",
                ["Hindcast__Upstreams__openai__BaseUrl"] = $"http://127.0.0.1:{provider}/v1",
                ["Hindcast__Upstreams__openai__ApiKey"] = "sk-bench",
                ["Hindcast__Projections__Paused"] = paused ? "true" : "false",
            });
            var (direct, ours) = (new Uri($"http://127.0.0.1:{provider}"), server.Address);
            if (!processor)
            {
                await MeasureAsync([direct, new($"http://127.0.0.1:{forwarder}"), ours], () => Micros(fake) + Micros(bare) + server.ProcessorMicros() + Environment.CpuUsage.TotalTime.TotalMicroseconds);
                await HoldAsync(server);
                return;
            }
            await ReadyAsync(new($"http://127.0.0.1:{forwarder}"));
            foreach (var stream in (bool[])[false, true])
            {
                await CostAsync(new($"http://127.0.0.1:{forwarder}"), stream, () => Micros(bare));
                await CostAsync(ours, stream, server.ProcessorMicros);
            }
        }
        finally
        {
            fake.Kill();
            bare.Kill();
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <param name="addresses">Direct, the forwarder, us.</param>
    /// <param name="micros">What all processes took of the processors so far, this one too.</param>
    static async Task MeasureAsync(Uri[] addresses, Func<double> micros)
    {
        foreach (var address in addresses)
        {
            await ReadyAsync(address);
            foreach (var stream in (bool[])[false, true]) await RateAsync(address, stream, CallsForRate);
        }
        // .NET compiles what ran thirty times once more, and what it counted in that a third time; what runs once for a client, too.
        for (var time = 0; time < 2; time++)
        {
            foreach (var address in addresses)
            {
                foreach (var stream in (bool[])[false, true])
                    for (var client = 0; client < 40; client++) await RateAsync(address, stream, 4 * Connections);
            }
            await SettleAsync(micros);
        }
        foreach (var stream in (bool[])[false, true])
        {
            var (times, tails, rates) = (new List<double[]>(), new List<double[]>(), new List<double[]>());
            for (var round = 0; round < Rounds; round++)
            {
                var sorted = await EachAsync(a => TimesAsync(a, stream));
                times.Add([.. sorted.Select(s => s[s.Length / 2])]);
                tails.Add([.. sorted.Select(s => s[s.Length * 99 / 100])]);
                rates.Add(await EachAsync(a => RateAsync(a, stream, CallsForRate)));
            }
            var (t, p, r) = (Medians(times), Medians(tails), Medians(rates));
            var (bare, added) = (t[1] - t[0], t[2] - t[0]);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"""
                {(stream ? "streaming, 20 chunks" : "plain")}   ({Machine.Describe()}, median of {Rounds} rounds)
                  p50 of a call       direct {t[0]:F3} ms   forwarder {t[1]:F3} ms   gateway {t[2]:F3} ms
                  p50 added           forwarder {bare:F3} ms   gateway {added:F3} ms   ratio {added / bare:F2} (goal 2)
                  p99 of a call       direct {p[0]:F3} ms   forwarder {p[1]:F3} ms   gateway {p[2]:F3} ms   ratio {p[2] / p[1]:F2} (goal 2)
                  calls/s, {Connections} conns   direct {r[0]:F0}   forwarder {r[1]:F0}   gateway {r[2]:F0}   ratio {r[2] / r[1]:P0} (goal 60 %)
                """));
        }

        // What one leaves behind is not the next one's to carry: facts to be written, and in every process, the caller's first of all, code that
        // .NET compiles anew a tenth of a second after it was used enough.
        async Task<T[]> EachAsync<T>(Func<Uri, Task<T>> measure)
        {
            var measured = new List<T>();
            foreach (var address in addresses)
            {
                await SettleAsync(micros);
                measured.Add(await measure(address));
            }
            return [.. measured];
        }
    }

    /// <summary>Many calls without a pause: what they cost in processor time, projections included, and whether memory stays where it is.</summary>
    static async Task HoldAsync(HindcastProcess server)
    {
        await RateAsync(server.Address, stream: false, CallsForMemory / 5);
        var (memory, processor) = (server.Memory(), server.ProcessorMicros());
        var rate = await RateAsync(server.Address, stream: false, CallsForMemory * 4 / 5);
        var each = (server.ProcessorMicros() - processor) / (CallsForMemory * 4 / 5);
        var memoryAfter = server.Memory();
        await SettleAsync(server);
        using var http = server.Client();
        var lost = (await http.GetStringAsync(new Uri("/metrics", UriKind.Relative))).Split('\n').FirstOrDefault(l => l.StartsWith("hindcast_gateway_unrecorded", StringComparison.Ordinal));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{CallsForMemory} calls on end: {rate:F0}/s, {each:F0} µs of processor each, memory {memory:F0} MiB after a fifth, {memoryAfter:F0} MiB at the end; {lost ?? "every one recorded"}"));
    }

    static async Task CostAsync(Uri address, bool stream, Func<double> micros)
    {
        // The compiler has its own pace: it is let finish.
        await RateAsync(address, stream, CallsForCost / 2);
        await Task.Delay(TimeSpan.FromSeconds(1));
        await RateAsync(address, stream, CallsForCost / 2);
        await Task.Delay(TimeSpan.FromSeconds(1));
        var before = micros();
        var rate = await RateAsync(address, stream, CallsForCost);
        // What calls leave behind them is theirs too.
        await SettleAsync(micros);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{address.Port} {(stream ? "streaming" : "plain")}: {(micros() - before) / CallsForCost:F0} µs of processor a call, {rate:F0} calls/s"));
    }

    static Task SettleAsync(HindcastProcess server) => SettleAsync(server.ProcessorMicros);

    /// <summary>Until it does nothing any more: facts are written and read models have caught up.</summary>
    static async Task SettleAsync(Func<double> micros)
    {
        for (var (before, quiet) = (micros(), 0); quiet < 3;)
        {
            await Task.Delay(100);
            var now = micros();
            (before, quiet) = (now, now - before < 10_000 ? quiet + 1 : 0);
        }
    }

    static double Micros(Process process)
    {
        process.Refresh();
        return process.TotalProcessorTime.TotalMicroseconds;
    }

    static async Task<double[]> TimesAsync(Uri address, bool stream)
    {
        using var http = Client(address);
        var times = new double[CallsForTime];
        for (var i = 0; i < CallsForTime; i++)
        {
            var start = Stopwatch.GetTimestamp();
            await CallAsync(http, stream);
            times[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }
        Array.Sort(times);
        return times;
    }

    static async Task<double> RateAsync(Uri address, bool stream, int calls)
    {
        using var http = Client(address);
        var start = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, Connections).Select(async _ =>
        {
            for (var i = 0; i < calls / Connections; i++) await CallAsync(http, stream);
        }));
        return calls / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    static async Task CallAsync(HttpClient http, bool stream)
    {
        using var content = new StringContent($$"""{"model":"gpt-4o-mini","messages":[{"role":"user","content":"{{s_text}}"}],"stream":{{(stream ? "true" : "false")}}}""", MediaTypeHeaderValue.Parse("application/json"));
        using var response = await http.PostAsync(new Uri("/v1/chat/completions", UriKind.Relative), content);
        response.EnsureSuccessStatusCode();
        await response.Content.ReadAsByteArrayAsync();
    }

    static async Task ReadyAsync(Uri address)
    {
        using var http = Client(address);
        for (var attempt = 0; attempt < 600; attempt++)
        {
            try
            {
                if ((await http.GetAsync(new Uri("/health/live", UriKind.Relative))).IsSuccessStatusCode) return;
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }
            await Task.Delay(50);
        }
        throw new InvalidOperationException($"{address} did not start.");
    }

    static HttpClient Client(Uri address)
    {
        var http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = Connections }) { BaseAddress = address };
        http.DefaultRequestHeaders.Authorization = new("Bearer", HindcastProcess.Key);
        return http;
    }

    static Process Start(params string[] args) => Process.Start(new ProcessStartInfo(Environment.ProcessPath!, args) { RedirectStandardOutput = true })!;

    static double[] Medians(List<double[]> rounds) => [.. Enumerable.Range(0, rounds[0].Length).Select(i => Median(rounds.Select(r => r[i])))];

    static double Median(IEnumerable<double> values) => values.Order().ToList() is var sorted ? sorted[sorted.Count / 2] : 0;

    static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
