using System.Globalization;
using System.Text.Json;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Operations;

namespace Hindcast.Api.CommandLine;

/// <summary><c>hindcast projections status|rebuild NAME|verify</c> and <c>hindcast log verify</c>.</summary>
internal static class ProjectionsCommand
{
    static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(250);

    public static Task<int> RunAsync(string verb, IEnumerable<string> args, Func<Arguments, Floor> floor) => verb switch
    {
        "status" => StatusAsync(floor(Arguments.Parse(args, [], []))),
        "rebuild" => RebuildAsync(floor(Arguments.Parse(args, [], ["accept-parked"]))),
        "verify" => VerifyAsync(floor(Arguments.Parse(args, [], []))),
        _ => throw new WrongUsage($"There is no 'projections {verb}'; there are status, rebuild and verify."),
    };

    static async Task<int> StatusAsync(Floor floor)
    {
        floor.Arguments.NoWords();
        using var server = floor.Server();
        floor.Terminal.Table(
            ["name", "version", "position", "head", "lag", "lag ms", "state", "parked"],
            (await server.GetAsync("/api/v1/projections")).EnumerateArray().Select(p => (IReadOnlyList<string>)
                [.. ((string[])["name", "version", "position", "head", "lag_events", "lag_ms", "state", "parked"]).Select(name => Text(p, name))]));
        return 0;
    }

    static async Task<int> RebuildAsync(Floor floor)
    {
        var name = floor.Arguments.The("projection");
        using var server = floor.Server();
        var before = await GenerationAsync();
        await server.SendAsync(HttpMethod.Post, $"/api/v1/projections/{Uri.EscapeDataString(name)}/rebuild{(floor.Arguments.Switch("accept-parked") ? "?accept_parked=true" : "")}", null);
        var state = await floor.Terminal.ProgressAsync($"Rebuilding {name}", async report =>
        {
            while (true)
            {
                var p = await StatusAsync();
                if (p.TryGetProperty("rebuild", out var rebuild) && rebuild.ValueKind == JsonValueKind.Object)
                    report(rebuild.GetProperty("percent").GetDouble() / 100, $"{Text(rebuild, "events_per_second")} events/s, {Text(rebuild, "seconds_left")} s left");
                else if (Last(p) is { } last && !last.GetProperty("served").GetBoolean() && Text(last, "generation") != before) return Refused(last);
                else if (Text(p, "state") is "stopped" || (Text(p, "state") is "live" && Text(p, "generation") != before)) return Text(p, "state");
                await Task.Delay(s_pause);
            }
        });
        if (state == "live") await CompareAsync();
        floor.Terminal.Error.WriteLine(state == "live" ? $"{name} is rebuilt and serves." : $"{name} was not replaced; 'hindcast projections status' and the server's log say more.");
        return state == "live" ? 0 : 1;

        string Refused(JsonElement last)
        {
            foreach (var why in last.GetProperty("differences").EnumerateArray()) floor.Terminal.Error.WriteLine(why.GetString());
            return "refused";
        }

        // Old and new rows are compared while the new ones serve already.
        async Task CompareAsync()
        {
            while (Last(await StatusAsync()) is { } last)
            {
                if (last.TryGetProperty("equal", out var equal))
                {
                    floor.Terminal.Error.WriteLine(equal.GetBoolean() ? "The new rows are the old ones." : "The new rows differ from the old ones:");
                    foreach (var difference in last.GetProperty("differences").EnumerateArray()) floor.Terminal.Error.WriteLine(difference.GetString());
                    return;
                }
                await Task.Delay(s_pause);
            }
        }

        async Task<JsonElement> StatusAsync()
        {
            var p = (await server.GetAsync("/api/v1/projections")).EnumerateArray().FirstOrDefault(p => Text(p, "name") == name);
            return p.ValueKind == JsonValueKind.Object ? p : throw new Failed($"There is no projection '{name}'.");
        }

        async Task<string> GenerationAsync() => Text(await StatusAsync(), "generation");
    }

    static async Task<int> VerifyAsync(Floor floor)
    {
        floor.Arguments.NoWords();
        Alone(floor);
        var verdicts = await floor.OnFilesAsync(services => floor.Terminal.ProgressAsync("Building again", report =>
            ActivatorUtilities.CreateInstance<VerifyProjections>(services).RunAsync(new Each<(string Name, LogPosition At, LogPosition Head)>(
                p => report(Share(p.At.Value, p.Head.Value), p.Name)), CancellationToken.None)));
        floor.Terminal.Table(["name", "position", "rows", "parked", "verdict", "serving", "rebuilt"], verdicts.Select(v => (IReadOnlyList<string>)
        [
            v.Name, v.Position.ToString(), Number(v.Rows), Number(v.Parked), v.Serving is null ? "nothing serves yet" : v.Equal ? "equal" : "DIFFERENT",
            v.Serving ?? "", v.Rebuilt ?? "",
        ]));
        return verdicts.All(v => v.Equal || v.Serving is null) ? 0 : throw new Failed("A read model is not what follows from the log; 'hindcast projections rebuild' mends it.");
    }

    internal static async Task<int> VerifyLogAsync(Floor floor)
    {
        floor.Arguments.NoWords();
        Alone(floor);
        var report = await floor.OnFilesAsync(services => floor.Terminal.ProgressAsync("Reading the log", report =>
            Verifier(services).RunAsync(new Each<(LogPosition At, LogPosition Head)>(p => report(Share(p.At.Value, p.Head.Value), "")), CancellationToken.None)));
        floor.Terminal.Table(["log", "facts", "streams", "head", "faults"], [[report.LogId.ToString(), Number(report.Facts), Number(report.Streams), report.Head.ToString(), Number(report.Faults.Count)]]);
        foreach (var fault in report.Faults) floor.Terminal.Error.WriteLine(fault);
        WarnOfLocked(report, floor);
        return report.Faults.Count == 0 ? 0 : throw new Failed("The log is damaged.");
    }

    internal static VerifyLog Verifier(IServiceProvider services) => new(services.GetRequiredService<IEventLog>(), services.GetRequiredService<ISeal>);

    internal static void WarnOfLocked(LogReport report, Floor floor)
    {
        if (report.Locked == 0) return;
        floor.Terminal.Error.WriteLine(
            $"{report.Locked} facts are sealed with keys that are not in this data directory: nobody can read them here. Bring 'vault.db' and 'kek' from where they were written, before the server starts.");
    }

    /// <summary>Both read everything and one writes: not beside a server.</summary>
    internal static void Alone(Floor floor)
    {
        if (floor.Arguments.Option("url") is not null) throw new WrongUsage("This works on the files; --url means nothing here.");
    }

    /// <summary>What is not known yet is not in the answer.</summary>
    static JsonElement? Last(JsonElement projection) => projection.TryGetProperty("last_rebuild", out var last) ? last : null;

    static double Share(long at, long head) => head == 0 ? 1 : (double)at / head;

    static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

    static string Text(JsonElement o, string name) => o.TryGetProperty(name, out var value) ? value.ToString() : "";
}

/// <summary>Reports on the thread that works; the framework's own would reorder them.</summary>
internal sealed class Each<T>(Action<T> report) : IProgress<T>
{
    public void Report(T value) => report(value);
}
