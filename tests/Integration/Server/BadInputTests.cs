using System.IO.Compression;
using System.Text;

namespace Hindcast.Integration.Server;

/// <summary>Hostile bodies at every ingest door of the running server: refused by element and field or shown harmless, and never a 5xx.</summary>
public abstract class BadInputTests : IAsyncLifetime
{
    public static TheoryData<string> Doors => [.. IngestDoor.All.Keys];

    LiveServer _server = null!;

    protected abstract Task<LiveServer> ServerAsync();

    public async ValueTask InitializeAsync() => _server = await ServerAsync();

    /// <summary>After each of them the server reads and writes as before, and the projections have applied all that was let in.</summary>
    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_server is null) return;
        (await _server.JsonAsync("/api/v1/traces?limit=1000")).Text("status").Should().Be("success");
        (await _server.JsonAsync("/api/v1/projections/traces/parked")).GetArrayLength().Should().Be(0);
        (await _server.GetAsync("/health", key: null)).Status.Should().Be(200);
    }

    [Theory, MemberData(nameof(Doors))]
    public async Task A_body_that_cannot_be_read_is_refused_whole(string name)
    {
        var door = IngestDoor.All[name];
        foreach (var body in (string[])["[", "{\"a\":", "[1,]", "nul", "[{}] x", "\"text\"", "7", "{}", new string('[', 20_000), new string('[', 20_000) + new string(']', 20_000)])
            (await door.PostRawAsync(_server, Encoding.UTF8.GetBytes(body))).Status.Should().BeOneOf([400, 422], body[..Math.Min(20, body.Length)]);
        (await door.PostRawAsync(_server, [0xFF, 0xFE, 0x00])).Status.Should().BeOneOf(400, 422);
        (await door.PostRawAsync(_server, new byte[20 << 20])).Status.Should().Be(413);

        using var zipped = new MemoryStream();
        using (var gzip = new GZipStream(zipped, CompressionLevel.Fastest, leaveOpen: true)) gzip.Write(Encoding.UTF8.GetBytes($"[{door.Element("zipped")}]"));
        (await door.PostRawAsync(_server, zipped.ToArray()[..^5], ("Content-Encoding", "gzip"))).Status.Should().Be(400);
        (await door.PostRawAsync(_server, zipped.ToArray(), ("Content-Encoding", "zstd"))).Status.Should().Be(415);
    }

    [Theory, MemberData(nameof(Doors))]
    public async Task A_field_of_the_wrong_type_costs_its_element_and_no_other(string name)
    {
        var door = IngestDoor.All[name];
        foreach (var (field, _) in door.Members)
            foreach (var raw in (string[])["7", "-1", "1e400", "1.5", "true", "null", "{}", "[]", "[{}]", "{\"a\":[1]}", "\"\"", "\"x\"", "\"\\u0000\"", "\"\\ud800\""])
            {
                var answer = await door.PostAsync(_server, door.Element($"{name}-a"), door.Element($"{name}-{field}", (field, raw)), door.Element($"{name}-b"));
                if (answer.Status == door.Success) continue;
                answer.Status.Should().Be(door.Refused, $"{field} = {raw}: {answer.Text}");
                door.Faults(answer).Should().OnlyContain(f => f.Index == 1 && f.Field.StartsWith(field, StringComparison.Ordinal), $"{field} = {raw}");
                IngestDoor.Stored(answer).Should().Be("[0,2]", $"{field} = {raw}");
            }
    }

    [Theory, MemberData(nameof(Doors))]
    public async Task Harm_in_keys_and_ids_is_refused_by_name_and_nothing_of_it_is_stored(string name)
    {
        var door = IngestDoor.All[name];
        var harm = new List<(string Field, string Element)>();
        foreach (var id in door.Ids)
            foreach (var text in (string[])["a\\u0000", "\\ud800", "x\\udfffy", new string('x', 3 << 10)])
                harm.Add((id, door.Element($"{name}-harm", (id, $"\"{text}\""))));
        foreach (var key in (string[])["a\\u0000", "\\ud800", "\\udc00"])
            harm.Add(("extra", door.Element($"{name}-harm", ("extra", $$"""{"ok":1,"{{key}}":2}"""))));
        harm.Add(("extra", door.Element($"{name}-harm", ("extra", """{"k":1,"\u006b":2}"""))));
        harm.Add(("extra", door.Element($"{name}-harm", ("extra", Nested(64)))));

        foreach (var (field, element) in harm)
        {
            var answer = await door.PostAsync(_server, door.Element($"{name}-c"), element, door.Element($"{name}-d"));
            answer.Status.Should().Be(door.Refused, element);
            door.Faults(answer).Should().ContainSingle().Which.Should().Match<(int Index, string Field)>(f => f.Index == 1 && f.Field.StartsWith(field, StringComparison.Ordinal));
            IngestDoor.Stored(answer).Should().Be("[0,2]");
        }
        (await _server.ReadAsync($"/api/v1/traces/{name}-harm/tree")).Status.Should().Be(404, "nothing of a refused element is stored");
        (await _server.ReadAsync($"/api/v1/traces/{name}-c/tree")).Status.Should().Be(200, "its neighbours are");
    }

    [Theory, MemberData(nameof(Doors))]
    public async Task Harm_in_values_is_let_in_and_shown_harmless(string name)
    {
        var door = IngestDoor.All[name];
        var harmed = door.Name == "trubrics-events"
            ? door.Element("", ("properties", $$"""{"$thread_id":"{{name}}-value","v":"a\u0000b\ud800"}"""))
            : door.Element($"{name}-value", (door.Value, "\"a\\u0000b\\ud800\""));
        (await door.PostAsync(_server, harmed, door.Element($"{name}-deep", ("extra", Nested(63))))).Status.Should().Be(door.Success);

        var tree = await _server.JsonAsync($"/api/v1/traces/{name}-value/tree");
        tree.GetRawText().Should().Contain("a\uFFFDb\uFFFD").And.NotContain("u0000").And.NotContain("ud800");
        tree.Spans().Should().OnlyContain(s => s.GetProperty("sanitised").GetBoolean());
        (await _server.JsonAsync($"/api/v1/traces/{name}-value/timeline")).GetRawText().Should().Contain("a\uFFFDb\uFFFD").And.NotContain("u0000").And.NotContain("ud800");
        (await _server.JsonAsync($"/api/v1/traces/{name}-value/state?as_of_revision=9")).GetRawText().Should().Be(tree.GetRawText());
        (await _server.JsonAsync($"/api/v1/traces/{name}-deep/timeline")).GetRawText().Should().Contain(Nested(63));
    }

    [Fact]
    public async Task Deep_metadata_is_shown_on_the_tree_and_in_the_list()
    {
        var door = IngestDoor.All["whyops-ingest"];
        var metadata = $$"""{"model":"m","provider":"p","deep":{{Nested(62)}}}""";
        (await door.PostAsync(_server, door.Element("deep-metadata", ("metadata", metadata)))).Status.Should().Be(202);
        (await _server.JsonAsync("/api/v1/traces/deep-metadata/tree")).GetRawText().Should().Contain(Nested(62));
        (await _server.JsonAsync("/api/v1/traces?trace_id=deep-metadata")).GetProperty("data").GetArrayLength().Should().Be(1);
    }

    [Fact]
    public async Task Harm_in_what_is_asked_for_is_refused_or_finds_nothing()
    {
        var cursor = Convert.ToBase64String(Encoding.UTF8.GetBytes("""{"timestamp":"2026-11-01T00:00:00Z","trace_id":"a\u0000","span_id":"\ud800","descending":true}"""));
        foreach (var query in (string[])["user_id=%00", "model=a%00b", "trace_id=%ED%A0%80", "session_id=%FF", $"cursor={Uri.EscapeDataString(cursor)}", "environment=%27%3B--", $"from=now-99999w&user_id={new string('x', 3000)}"])
            (await _server.GetAsync($"/api/v1/traces?{query}")).Status.Should().BeOneOf([200, 400], query);
        foreach (var id in (string[])["%ED%A0%80", "a%2Fb", "..%2f..", "%FF", new string('x', 3000)])
            foreach (var view in (string[])["tree", "timeline", "state?as_of_revision=0"])
                (await _server.GetAsync($"/api/v1/traces/{id}/{view}")).Status.Should().BeOneOf([404, 400], id);
    }

    [Theory]
    [InlineData("scopes", "[\"\\ud800\"]")]
    [InlineData("scopes", "[\"read\",7]")]
    [InlineData("scopes", "\"read\"")]
    [InlineData("project_id", "\"\\ud800\"")]
    [InlineData("project_id", "\"no such\"")]
    [InlineData("name", "{}")]
    [InlineData("expires_at", "\"soon\"")]
    [InlineData("monthly_quota", "1e400")]
    public async Task A_key_that_is_asked_for_wrongly_is_not_made(string member, string raw)
    {
        var body = member == "scopes" ? $$"""{"scopes":{{raw}}}""" : $$"""{"scopes":["read"],"{{member}}":{{raw}}}""";
        var answer = await _server.PostAsync("/api/v1/keys", body);
        (answer.Status, answer.Json.GetProperty("error").Text("details")).Should().Be((400, member));
    }

    static string Nested(int levels) => new string('[', levels) + new string(']', levels);
}

public sealed class SqliteBadInputTests(LiveServer server) : BadInputTests, IClassFixture<LiveServer>
{
    protected override Task<LiveServer> ServerAsync() => Task.FromResult(server);
}
