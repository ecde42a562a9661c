using System.Text.Json;
using Hindcast.Bench;

namespace Hindcast.Integration.Server;

/// <summary>B19: every door answers each of eight identities as <c>walls.txt</c> says; a door that is described and not in the table fails.</summary>
public sealed class WallTableTests : LiveServer, IAsyncLifetime
{
    static readonly HashSet<string> OpenDoors = ["/", "/health", "/health/live", "/health/ready", "/api/health", "/api/health/ready", "/auth/token", "/app/login", "/app/logout", "/app/session"];

    readonly Dictionary<string, (string Name, string Value)?> _identities = [];

    protected override Task<Dictionary<string, string>> SettingsAsync() => Task.FromResult(new Dictionary<string, string> { ["Hindcast__Jwt__Secret"] = SignedElsewhere.Secret });

    async ValueTask IAsyncLifetime.InitializeAsync()
    {
        await InitializeAsync();
        var revoked = await IssueAsync("shop", "admin", "ingest", "read");
        (await SendAsync(HttpMethod.Delete, $"/api/v1/keys/{revoked.Text("id")}", null, HindcastProcess.Key)).Status.Should().Be(204);
        _identities["none"] = null;
        _identities["rival-admin"] = Key(await IssueAsync("rival", "admin"));
        _identities["viewer"] = Token(SignedElsewhere.Token("viewer", ["shop"]));
        _identities["billing"] = Token(SignedElsewhere.Token("billing", ["shop"]));
        var ingest = await IssueAsync("shop", "ingest");
        _identities["ingest"] = Key(ingest);
        _identities["read"] = Key(await IssueAsync("shop", "read"));
        _identities["revoked"] = Key(revoked);
        _identities["expired"] = Token(SignedElsewhere.Token("admin", ["shop"], lives: -1));
        (await PostAsync("/api/v1/events", """[{"type":"user_message","trace_id":"mine","content":"numbat"}]""", ingest.Text("key"))).Status.Should().Be(202);
    }

    static (string, string)? Key(JsonElement issued) => ("X-API-Key", issued.Text("key")!);

    static (string, string)? Token(string token) => ("Authorization", $"Bearer {token}");

    async Task<JsonElement> IssueAsync(string project, params string[] scopes) =>
        (await PostAsync("/api/v1/keys", JsonSerializer.Serialize(new { project_id = project, name = "wall", scopes }))).Json;

    [Fact]
    public async Task Every_door_answers_every_identity_as_the_table_says()
    {
        var lines = File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "walls.txt")).Where(l => l.Length > 0 && l[0] != '#').Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries)).ToList();
        var names = lines[0][2..];
        names.Should().BeEquivalentTo(_identities.Keys);
        foreach (var line in lines.Skip(1))
        {
            var path = line[1].Replace("{traceId}", "mine", StringComparison.Ordinal).Replace("{name}", "traces", StringComparison.Ordinal).Replace("{position}", Written, StringComparison.Ordinal).Replace("{id}", "x", StringComparison.Ordinal).Replace("{versionId}", "x", StringComparison.Ordinal);
            // What it lets in would listen for ever.
            if (path == "/api/v1/stream") path += "?from=never";
            foreach (var (name, expected) in names.Zip(line[2..]))
            {
                var answer = await SendAsync(new(line[0]), path, line[0] == "GET" ? null : "{}"u8.ToArray(), null, _identities[name] is { } shown ? [shown] : []);
                if (expected == "+") answer.Status.Should().NotBe(401, $"{line[0]} {path} as {name}").And.NotBe(403, $"{line[0]} {path} as {name}: {answer.Text}");
                else answer.Status.Should().Be(int.Parse(expected, System.Globalization.CultureInfo.InvariantCulture), $"{line[0]} {path} as {name}: {answer.Text}");
                if (name.StartsWith("rival", StringComparison.Ordinal)) answer.Text.Should().NotContain("numbat", $"{line[0]} {path}");
                answer.Headers.ContainsKey("X-RateLimit-Limit").Should().Be(expected != "401", $"{line[0]} {path} as {name} is {answer.Status}");
            }
        }

        var described = (await GetAsync("/openapi/v1.json", key: null)).Json.GetProperty("paths").EnumerateObject()
            .SelectMany(p => p.Value.EnumerateObject().Select(m => $"{m.Name.ToUpperInvariant()} {p.Name}")).Where(d => !OpenDoors.Contains(d[(d.IndexOf(' ', StringComparison.Ordinal) + 1)..]));
        described.Should().BeSubsetOf(lines.Skip(1).Select(l => $"{l[0]} {l[1]}"), "a door belongs in the table");
    }
}
