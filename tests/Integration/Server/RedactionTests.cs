using System.Text;
using System.Text.Json;
using Google.Protobuf;
using Hindcast.Bench;
using Hindcast.Otlp.Sent;

namespace Hindcast.Integration.Server;

public sealed class RedactionOnSqlite(LiveServer server) : RedactionTests(server), IClassFixture<LiveServer>;

public sealed class RedactionOnPostgres(PostgresServerProcess server) : RedactionTests(server), IClassFixture<PostgresServerProcess>;

/// <summary>B28: what is not to be kept is in no file, whichever door it came through.</summary>
public abstract class RedactionTests(LiveServer server)
{
    const string Mail = "zoe.wombat@quokka.example", Card = "4242 4242 4242 4242", Secret = "sk-ant-api03-Zq8WombatWombat0123456789abcdefXYZ", Ticket = "WOMBAT-77";
    const string All = $"mail {Mail}, card {Card}, key {Secret}, ticket {Ticket}";
    const string Rules = """{"secrets":"replace","emails":"replace","cards":"replace","patterns":[{"name":"ticket","pattern":"WOMBAT-[0-9]+"}]}""";

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    async Task<string> KeyAsync(string project) =>
        (await server.PostAsync("/api/v1/keys", JsonSerializer.Serialize(new { project_id = project, name = "p", scopes = (string[])["ingest", "read", "admin"] }))).Json.Text("key")!;

    async Task SetAsync(string key, string rules)
    {
        var set = await server.SendAsync(HttpMethod.Put, "/api/v1/redaction", Encoding.UTF8.GetBytes(rules), key);
        set.Status.Should().Be(200, set.Text);
    }

    Task<Answer> EventAsync(string key, object e) => server.PostAsync("/api/v1/events", JsonSerializer.Serialize(new[] { e }), key);

    async Task<JsonElement> ReadAsync(string key, string path)
    {
        var answer = await server.GetAsync(path, key, ("X-Min-Position", server.Written!));
        answer.Status.Should().Be(200, $"{path}: {answer.Text}");
        return answer.Json;
    }

    [Fact]
    public async Task Through_every_door_nothing_of_it_reaches_a_file_and_a_marker_stands_in_its_place()
    {
        // Words that no other test here sends.
        const string Mail = "tom.numbat@quokka.example", Card = "5555-5555-5555-4444", Secret = "sk-proj-NumbatNumbat0123456789abcdefXYZ", Ticket = "NUMBAT-77";
        const string All = $"mail {Mail}, card {Card}, key {Secret}, ticket {Ticket}";
        var key = await KeyAsync("every-door");
        await SetAsync(key, Rules.Replace("WOMBAT", "NUMBAT", StringComparison.Ordinal));
        var written = new List<Answer>
        {
            await EventAsync(key, new { type = "llm_response", trace_id = "native", span_id = "s", content = All, attributes = new Dictionary<string, object> { ["note"] = All, ["args"] = JsonSerializer.Serialize(new { to = $"\n{Mail}" }) } }),
            await EventAsync(key, new { type = "error", trace_id = "native", span_id = "e", content = new { message = All } }),
            await server.PostAsync("/api/v1/traces/native/scores", JsonSerializer.Serialize(new { name = "thumbs", value = 1, comment = All }), key),
            await server.PostAsync("/api/events/ingest", JsonSerializer.Serialize(new { eventType = "user_message", traceId = "whyops", agentName = "a", content = new { messages = new[] { new { role = "user", content = All } } } }), key),
            await server.PostAsync("/api/entities/init", JsonSerializer.Serialize(new { agentName = "agent", metadata = new { systemPrompt = All, tools = Array.Empty<object>() } }), key),
            await server.PostAsync("/traces", JsonSerializer.Serialize(new { trace_id = "tracellm", prompt = All, response = All, steps = new[] { new { tool_name = "t", input = All } } }), key),
            await server.PostAsync("/api/ingestion/publish_events", JsonSerializer.Serialize(new[] { new { user_id = "u", @event = "Sign up", timestamp = "2026-11-02T10:00:00Z", properties = new { plan = All } } }), key),
            await server.PostAsync("/api/ingestion/publish_llm_events", JsonSerializer.Serialize(new[] { new { user_id = "u", prompt = All, generation = All, assistant_id = "m", thread_id = "trubrics", timestamp = "2026-11-02T10:00:00Z" } }), key),
            await server.PostAsync("/v1/traces", OtlpJson("json", All), key),
            await server.SendAsync(HttpMethod.Post, "/v1/traces", OtlpProtobuf(All), key, ("Content-Type", "application/x-protobuf")),
        };
        foreach (var answer in written) answer.Status.Should().BeInRange(200, 202, answer.Text);

        foreach (var trace in new[] { "native", "whyops", "tracellm", Id("json"), Id("proto") })
        {
            var tree = (await ReadAsync(key, $"/api/v1/traces/{trace}/tree")).GetRawText();
            foreach (var marker in new[] { "[redacted:email]", "[redacted:card]", "[redacted:secret]", "[redacted:ticket]", "\"redaction.email\":\"replaced\"" })
                tree.Should().Contain(marker, trace);
            tree.Should().NotContain(Mail).And.NotContain(Secret).And.NotContain(Card).And.NotContain(Ticket);
        }
        // Everything that was not text is as it was sent.
        var otlp = (await ReadAsync(key, $"/api/v1/traces/{Id("proto")}/tree")).GetProperty("spans")[0];
        (otlp.Text("model"), otlp.GetProperty("usage").GetProperty("input").GetInt64(), otlp.Text("name")).Should().Be(("gpt-4o", 7, "chat"));
        foreach (var word in new[] { Mail, Card, Secret, Ticket, Convert.ToBase64String(Encoding.UTF8.GetBytes(Secret))[..20] }) server.FilesWith(word).Should().BeEmpty(word);
        server.Process.Said.Should().NotContain(line => line.Contains(Secret) || line.Contains(Mail));
        server.FilesWith("[redacted:email]").Should().NotBeEmpty("this test can find what is there");
    }

    [Fact]
    public async Task Flagging_leaves_the_text_and_the_fact_says_so_and_without_rules_nothing_changes()
    {
        var key = await KeyAsync("flagged");
        (await EventAsync(key, new { type = "user_message", trace_id = "before", span_id = "s", content = All })).Status.Should().Be(202);
        await SetAsync(key, """{"emails":"flag","cards":"replace"}""");
        (await EventAsync(key, new { type = "user_message", trace_id = "flag", span_id = "s", user_id = Mail, content = $"{Mail} {Mail} {Card}" })).Status.Should().Be(202);
        await SetAsync(key, "{}");
        (await EventAsync(key, new { type = "user_message", trace_id = "after", span_id = "s", content = All })).Status.Should().Be(202);

        var fact = (await ReadAsync(key, "/api/v1/traces/flag/timeline")).GetProperty("items")[0];
        (fact.GetProperty("flagged").GetRawText(), fact.GetProperty("replaced").GetRawText()).Should().Be(("""{"email":2}""", """{"card":1}"""));
        fact.GetProperty("data").GetRawText().Should().Contain($"{Mail} {Mail} [redacted:card]");
        var span = (await ReadAsync(key, "/api/v1/traces/flag/tree")).GetProperty("spans")[0];
        (span.GetProperty("attributes").Text("redaction.email"), span.GetProperty("attributes").Text("redaction.card")).Should().Be(("flagged", "replaced"));
        (await ReadAsync(key, $"/api/v1/runs?user_id={Uri.EscapeDataString(Mail)}")).GetProperty("data").GetArrayLength().Should().Be(1, "a user's name is no text");
        foreach (var trace in new[] { "before", "after" })
        {
            var item = (await ReadAsync(key, $"/api/v1/traces/{trace}/timeline")).GetProperty("items")[0];
            item.GetProperty("data").GetRawText().Should().Contain(All);
            (item.TryGetProperty("flagged", out _) || item.TryGetProperty("replaced", out _)).Should().BeFalse();
        }
    }

    [Fact]
    public async Task The_same_event_is_the_same_whatever_the_rules_were_when_it_came_first()
    {
        var key = await KeyAsync("again");
        object Event(string id) => new { type = "user_message", trace_id = "t", span_id = "s", event_id = id, content = All };
        string Result(Answer answer) => answer.Json.GetProperty("results")[0].Text("status")!;

        Result(await EventAsync(key, Event("before"))).Should().Be("stored");
        await SetAsync(key, Rules);
        Result(await EventAsync(key, Event("before"))).Should().Be("duplicate", "it came before there were rules");
        Result(await EventAsync(key, Event("between"))).Should().Be("stored");
        Result(await EventAsync(key, Event("between"))).Should().Be("duplicate");
        await SetAsync(key, """{"emails":"replace"}""");
        Result(await EventAsync(key, Event("between"))).Should().Be("duplicate", "other rules");
        await SetAsync(key, "{}");
        Result(await EventAsync(key, Event("between"))).Should().Be("duplicate", "no rules any more");
        var items = (await ReadAsync(key, "/api/v1/traces/t/timeline")).GetProperty("items");
        items.GetArrayLength().Should().Be(2);
        items[1].GetRawText().Should().NotContain(Mail).And.NotContain(Secret);

        // Where nothing was taken out an id still means one content.
        Result(await EventAsync(key, new { type = "user_message", trace_id = "t", event_id = "plain", content = "one" })).Should().Be("stored");
        var other = await EventAsync(key, new { type = "user_message", trace_id = "t", event_id = "plain", content = "two" });
        (other.Status, other.Json.GetProperty("results").GetArrayLength()).Should().Be((400, 0), other.Text);
    }

    [Fact]
    public async Task Rules_are_tried_on_the_past_before_they_are_switched_on()
    {
        var key = await KeyAsync("tried");
        for (var i = 0; i < 8; i++)
            (await EventAsync(key, new { type = "user_message", trace_id = $"t{i}", span_id = "s", at = $"2026-10-0{1 + i}T12:00:00Z", content = $"{Mail} and {Mail}, {Ticket}" })).Status.Should().Be(202);
        (await server.PostAsync("/v1/traces", OtlpJson("tried", All), key)).Status.Should().Be(200);
        (await server.PostAsync("/api/v1/events", JsonSerializer.Serialize(new[] { new { type = "user_message", trace_id = "foreign", at = "2026-10-02T12:00:00Z", content = All } }))).Status.Should().Be(202);
        await ReadAsync(key, "/api/v1/traces?limit=1");

        async Task<JsonElement> TryAsync(string rules, string window)
        {
            var answer = await server.PostAsync($"/api/v1/redaction/try?{window}", rules, key, ("X-Min-Position", server.Written!));
            answer.Status.Should().Be(200, answer.Text);
            answer.Text.Should().NotContain(Mail).And.NotContain(Ticket).And.NotContain(Secret);
            return answer.Json;
        }

        var tried = await TryAsync("""{"emails":"replace","patterns":[{"name":"ticket","pattern":"WOMBAT-[0-9]+","action":"flag"}]}""", "from=2026-10-02T00:00:00Z&to=2026-10-05T00:00:00Z");
        (tried.GetProperty("facts").GetInt32(), tried.GetProperty("complete").GetBoolean()).Should().Be((3, true));
        var rules = tried.GetProperty("rules");
        rules.EnumerateArray().Select(r => (r.Text("rule"), r.Text("action"), r.GetProperty("facts").GetInt32(), r.GetProperty("matches").GetInt32()))
            .Should().Equal(("email", "replace", 3, 6), ("ticket", "flag", 3, 3));
        var example = rules[0].GetProperty("examples")[0];
        (example.Text("trace_id"), example.Text("type"), example.Text("masked")).Should().Be(("t3", "user_message", $"zoe.… ({Mail.Length})"));
        (await TryAsync("""{"secrets":"flag"}""", "from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z")).GetProperty("rules")[0].GetProperty("matches").GetInt32().Should().BeGreaterThan(0, "inside of OTLP too");
        (await TryAsync("{}", "from=2026-01-01T00:00:00Z")).GetProperty("rules").GetArrayLength().Should().Be(0, "no rule is in force");

        (await ReadAsync(key, "/api/v1/redaction")).Text("emails").Should().Be("off", "trying switches nothing on");
        (await server.PostAsync("/api/v1/redaction/try", "{}", key)).Status.Should().Be(400);
        (await server.PostAsync("/api/v1/redaction/try?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "{}", key)).Status.Should().Be(400);
        (await server.PostAsync("/api/v1/redaction/try?from=2026-01-02T00:00:00Z", """{"patterns":[{"name":"x","pattern":"(?=a)"}]}""", key)).Status.Should().Be(400);
    }

    [Fact]
    public async Task Rules_are_the_projects_own_and_survive_a_kill()
    {
        var (key, other) = (await KeyAsync("kept"), await KeyAsync("kept-not"));
        await SetAsync(key, Rules);
        (await server.SendAsync(HttpMethod.Put, "/api/v1/redaction", """{"emails":"sometimes"}"""u8.ToArray(), key)).Status.Should().Be(400);
        (await server.SendAsync(HttpMethod.Put, "/api/v1/redaction", """{"patterns":[{"name":"a","pattern":"x*"}]}"""u8.ToArray(), key)).Status.Should().Be(400);
        (await server.SendAsync(HttpMethod.Put, "/api/v1/redaction", """{"project_id":"kept","emails":"off"}"""u8.ToArray(), other)).Status.Should().Be(404);
        (await server.GetAsync("/api/v1/redaction?project_id=kept", other)).Status.Should().Be(404);
        await server.Process.KillAsync();
        await server.StartAgainAsync();
        var rules = await ReadAsync(key, "/api/v1/redaction");
        (rules.Text("secrets"), rules.Text("emails"), rules.Text("cards"), rules.GetProperty("patterns")[0].Text("name"), rules.GetProperty("patterns")[0].Text("action")).Should().Be(("replace", "replace", "replace", "ticket", "replace"));
        await EventAsync(key, new { type = "user_message", trace_id = "t", content = Ticket });
        await EventAsync(other, new { type = "user_message", trace_id = "t", content = "OTHER-1" });
        (await ReadAsync(key, "/api/v1/traces/t/timeline")).GetRawText().Should().Contain("[redacted:ticket]");
        (await ReadAsync(other, "/api/v1/redaction")).Text("emails").Should().Be("off");
    }

    static string Id(string name) => Convert.ToHexStringLower(System.Security.Cryptography.MD5.HashData(Encoding.UTF8.GetBytes(name)));

    static string OtlpJson(string name, string text) => JsonSerializer.Serialize(new
    {
        resourceSpans = new[]
        {
            new
            {
                resource = new { attributes = new[] { Pair("host.note", text) } },
                scopeSpans = new[] { new { spans = new[] { new { traceId = Id(name), spanId = "eee19b7ec3c1b174", name = $"chat {text}", startTimeUnixNano = "1767225600000000000", endTimeUnixNano = "1767225600500000000", attributes = new[] { Pair("gen_ai.prompt", text), Pair("user.id", "u") } } } } },
            },
        },
    });

    static object Pair(string key, string value) => new { key, value = new { stringValue = value } };

    static byte[] OtlpProtobuf(string text)
    {
        static KeyValue Attribute(string key, string value) => new() { Key = key, Value = new() { StringValue = value } };
        var span = new WireSpan
        {
            TraceId = ByteString.CopyFrom(Convert.FromHexString(Id("proto"))), SpanId = ByteString.CopyFrom(Convert.FromHexString("eee19b7ec3c1b174")), Name = "chat",
            StartTimeUnixNano = 1767225600000000000, EndTimeUnixNano = 1767225600250000000, Status = new() { Code = 2, Message = text },
            Attributes =
            {
                Attribute("gen_ai.operation.name", "chat"), Attribute("gen_ai.request.model", "gpt-4o"), Attribute("gen_ai.prompt", text), Attribute("gen_ai.input.messages", JsonSerializer.Serialize(new[] { new { role = "user", content = text } })),
                new KeyValue { Key = "gen_ai.usage.input_tokens", Value = new() { IntValue = 7 } },
            },
        };
        return new Export { Resources = { new ResourceItems { Scopes = { new ScopeItems { Items = { span.ToByteString() } } } } } }.ToByteArray();
    }
}
