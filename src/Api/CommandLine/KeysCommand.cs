using Hindcast.Api.Native;
using Hindcast.Application.Projects;
using MediatR;

namespace Hindcast.Api.CommandLine;

/// <summary>
/// <c>hindcast keys create|list|rotate|revoke</c>: through the running server where there is one, else on the files, where no key is asked
/// for. Whoever can write the files owns the store: a lost key is no lost store.
/// </summary>
internal static class KeysCommand
{
    public static Task<int> RunAsync(string verb, IEnumerable<string> args, Func<Arguments, Floor> floor) => verb switch
    {
        "create" => CreateAsync(floor(Arguments.Parse(args, ["project", "name", "scopes", "environment", "prefix", "plan"], ["admin"]))),
        "list" => ListAsync(floor(Arguments.Parse(args, ["project"], []))),
        "rotate" => RotateAsync(floor(Arguments.Parse(args, ["overlap-hours"], []))),
        "revoke" => RevokeAsync(floor(Arguments.Parse(args, [], []))),
        _ => throw new WrongUsage($"There is no 'keys {verb}'; there are create, list, rotate and revoke."),
    };

    static async Task<int> CreateAsync(Floor floor)
    {
        var args = floor.Arguments;
        args.NoWords();
        if (args.Switch("admin") && args.Option("scopes") is not null) throw new WrongUsage("--admin is every scope; leave out --scopes.");
        var scopes = args.Switch("admin") ? ["admin"] : (args.Option("scopes") ?? "ingest,read").Split(',', StringSplitOptions.TrimEntries);
        foreach (var scope in scopes)
            if (ScopeNames.Parse(scope) == Scopes.None) throw new WrongUsage($"'{scope}' is no scope; there are ingest, read, gateway and admin.");

        using var server = floor.FindServer();
        var key = server is not null
            ? await server.PostAsync<KeyJson>("/api/v1/keys", new
            {
                ProjectId = args.Option("project"),
                Name = args.Option("name"),
                Scopes = scopes,
                Environment = args.Option("environment"),
                Prefix = args.Option("prefix"),
                Plan = args.Option("plan"),
            })
            : await floor.OnKeysAsync(async services =>
            {
                var command = new CreateKey(Operator)
                {
                    Project = args.Option("project"),
                    Name = args.Option("name"),
                    Scopes = scopes.Aggregate(Scopes.None, (all, scope) => all | ScopeNames.Parse(scope)),
                };
                return Shown(await services.GetRequiredService<IMediator>().Send(command with
                {
                    Environment = args.Option("environment") ?? command.Environment,
                    Prefix = args.Option("prefix") ?? command.Prefix,
                    Plan = args.Option("plan") ?? command.Plan,
                }));
            }, create: true);
        return Show(floor.Terminal, key);
    }

    static async Task<int> ListAsync(Floor floor)
    {
        floor.Arguments.NoWords();
        var project = floor.Arguments.Option("project");
        using var server = floor.FindServer();
        var keys = server is not null
            ? await server.GetAsync<List<KeyJson>>("/api/v1/keys" + (project is null ? "" : $"?project_id={Uri.EscapeDataString(project)}"))
            : await floor.OnKeysAsync(async services =>
                (await services.GetRequiredService<IMediator>().Send(new ListKeys(Operator, project))).Select(KeyJson.Of).ToList());
        floor.Terminal.Table(
            ["id", "key", "project", "name", "scopes", "environment", "plan", "status", "created", "last used"],
            keys.Select(k => (IReadOnlyList<string>)
            [
                k.Id, k.Masked, k.ProjectId, k.Name ?? "", string.Join(',', k.Scopes), k.Environment, k.Plan,
                k.Status + (k.RotationDue ? ", older than 90 days" : ""), $"{k.CreatedAt:yyyy-MM-dd}", k.LastUsedAt is { } used ? $"{used:yyyy-MM-dd HH:mm}" : "never",
            ]));
        return 0;
    }

    static async Task<int> RotateAsync(Floor floor)
    {
        var (id, hours) = (floor.Arguments.The("key"), floor.Arguments.Number("overlap-hours") ?? RotateKey.DefaultOverlap.TotalHours);
        if (hours > RotateKey.LongestOverlap.TotalHours) throw new WrongUsage($"--overlap-hours must be at most {RotateKey.LongestOverlap.TotalHours}.");
        using var server = floor.FindServer();
        return Show(floor.Terminal, server is not null
            ? await server.PostAsync<KeyJson>($"/api/v1/keys/{Uri.EscapeDataString(id)}/rotate", new { OverlapHours = hours })
            : await floor.OnKeysAsync(async services =>
                Shown(await services.GetRequiredService<IMediator>().Send(new RotateKey(Operator, id, TimeSpan.FromHours(hours))))));
    }

    static async Task<int> RevokeAsync(Floor floor)
    {
        var id = floor.Arguments.The("key");
        using var server = floor.FindServer();
        if (server is not null) await server.SendAsync(HttpMethod.Delete, $"/api/v1/keys/{Uri.EscapeDataString(id)}", null);
        else await floor.OnKeysAsync(async services => await services.GetRequiredService<IMediator>().Send(new RevokeKey(Operator, id)));
        floor.Terminal.Error.WriteLine($"{id} is revoked.");
        return 0;
    }

    static Caller Operator => FirstStart.Operator("command_line");

    static KeyJson Shown(IssuedKey issued) => KeyJson.Of(new(issued.Row, Expired: false, Old: false)) with { Key = issued.Secret };

    /// <summary>The key alone is the result, so that a script can take it.</summary>
    static int Show(Terminal terminal, KeyJson key)
    {
        terminal.Error.WriteLine($"{key.Id}: project {key.ProjectId}, {string.Join(", ", key.Scopes)}, {key.Environment}. The key is shown this once:");
        terminal.Out.WriteLine(key.Key);
        return 0;
    }
}
