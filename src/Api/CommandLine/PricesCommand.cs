using System.Net.Http.Headers;
using System.Text.Json;

namespace Hindcast.Api.CommandLine;

/// <summary><c>hindcast prices import FILE|reprice</c>, through the running server.</summary>
internal static class PricesCommand
{
    static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(250);

    public static Task<int> RunAsync(string verb, IEnumerable<string> args, Func<Arguments, Floor> floor) => verb switch
    {
        "import" => ImportAsync(floor(Arguments.Parse(args, [], []))),
        // A rebuild prices everything by the newest book, and what is built in changes only with the release.
        "reprice" => ProjectionsCommand.RunAsync("rebuild", [.. args, "traces"], floor),
        _ => throw new WrongUsage($"There is no 'prices {verb}'; there are import and reprice."),
    };

    static async Task<int> ImportAsync(Floor floor)
    {
        var file = floor.Arguments.The("file");
        if (!File.Exists(file)) throw new Failed($"There is no file '{file}'.");
        using var server = floor.Server();
        using var body = new ByteArrayContent(await File.ReadAllBytesAsync(file));
        body.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        var (status, text) = await server.TrySendAsync(HttpMethod.Put, "/api/v1/prices", body);
        var answer = text.Length > 0 && text[0] == '{' ? JsonDocument.Parse(text).RootElement : default;
        if (status != 200)
        {
            if (answer.ValueKind == JsonValueKind.Object && answer.GetProperty("error").TryGetProperty("details", out var details) && details.ValueKind == JsonValueKind.Array)
                foreach (var fault in details.EnumerateArray()) floor.Terminal.Error.WriteLine($"price {fault.GetProperty("index")}, {fault.GetProperty("field")}: {fault.GetProperty("message").GetString()}");
            throw new Failed($"The server answered {status}; nothing was stored.");
        }
        var position = answer.GetProperty("position").GetInt64();
        await floor.Terminal.ProgressAsync("Pricing history anew", async report =>
        {
            while (true)
            {
                var traces = (await server.GetAsync("/api/v1/projections")).EnumerateArray().First(p => p.GetProperty("name").GetString() == "traces");
                if (traces.GetProperty("position").GetInt64() >= position) return true;
                // A server that has just started may have nothing to show yet; the prices are in its log all the same.
                var (ready, book) = await server.TrySendAsync(HttpMethod.Get, "/api/v1/prices", null);
                if (ready == 200 && JsonDocument.Parse(book).RootElement.TryGetProperty("repricing", out var now))
                    report((double)now.GetProperty("traces_done").GetInt32() / now.GetProperty("traces_total").GetInt32(), $"{now.GetProperty("traces_total")} traces");
                await Task.Delay(s_pause);
            }
        });
        floor.Terminal.Error.WriteLine($"{answer.GetProperty("stored")} prices are in the book.");
        return 0;
    }
}
