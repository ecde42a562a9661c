using System.Text.Json;
using Hindcast.Application.Agents;

namespace Hindcast.Integration.WhyOps;

public sealed class WhyOpsAgentTests : IAsyncLifetime
{
    const string Init = "/api/entities/init";

    WhyOpsHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await WhyOpsHost.StartAsync();

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    static string Body(string prompt = "You are helpful.", string tools = "[]", string more = "", string agent = "support-agent") =>
        $$$"""{"agentName":"{{{agent}}}","metadata":{"systemPrompt":"{{{prompt}}}","tools":{{{tools}}}{{{more}}}}}""";

    [Fact]
    public async Task New_is_created_and_known_is_existing()
    {
        var first = await _host.PostAsync(Init, Body());
        var again = await _host.PostAsync("/v1/agents/init", """{"metadata":{"unknown":1,"tools":[],"systemPrompt":"You are helpful."},"agentName":"support-agent"}""");

        (first.Status, again.Status).Should().Be((201, 200));
        first.Body.EnumerateObject().Select(p => p.Name).Should().Equal("success", "agentId", "agentVersionId", "status", "versionHash");
        first.Body.GetProperty("versionHash").GetString().Should().Be("dc2786339467f8d3b43d1fade52510f6");
        (first.Body.GetProperty("status").GetString(), again.Body.GetProperty("status").GetString()).Should().Be(("created", "existing"));
        foreach (var id in (string[])["agentId", "agentVersionId", "versionHash"])
            again.Body.GetProperty(id).GetString().Should().Be(first.Body.GetProperty(id).GetString());
        (first.Position, again.Position).Should().Be(("2", "2"));
        _host.Log.Facts.Select(f => f.Header.Type).Should().Equal(InitAgent.Registered, InitAgent.VersionAdded);
    }

    [Fact]
    public async Task Older_metadata_is_the_older_version()
    {
        var one = await _host.PostAsync(Init, Body("one"));
        var two = await _host.PostAsync(Init, Body("two"));
        var back = await _host.PostAsync(Init, Body("one"));
        var described = await _host.PostAsync(Init, Body("one", more: ",\"description\":\"\""));

        (two.Status, back.Status, described.Status).Should().Be((201, 200, 201));
        two.Body.GetProperty("agentId").GetString().Should().Be(one.Body.GetProperty("agentId").GetString());
        back.Body.GetProperty("agentVersionId").GetString().Should().Be(one.Body.GetProperty("agentVersionId").GetString());
        _host.Log.Facts.Should().HaveCount(4);
    }

    [Fact]
    public async Task Ten_at_once_make_one_version()
    {
        for (var round = 0; round < 20; round++)
        {
            var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => _host.PostAsync(Init, Body($"round {round}"))));

            answers.Count(a => a.Status == 201).Should().Be(1);
            answers.Count(a => a.Status == 200).Should().Be(9);
            answers.Select(a => a.Body.GetProperty("agentVersionId").GetString()).Distinct().Should().ContainSingle();
        }
        _host.Log.Facts.Should().HaveCount(21);
    }

    [Fact]
    public async Task A_tool_needs_only_its_name() =>
        (await _host.PostAsync(Init, Body(tools: """[{"name":"a"},{"name":"b","inputSchema":"{}","outputSchema":"{}","description":"d"}]"""))).Status.Should().Be(201);

    public static TheoryData<string, string, string, string> Refused() => new()
    {
        { """{"metadata":{"systemPrompt":"p","tools":[]}}""", """["agentName"]""", "invalid_type", "Required" },
        { Body(agent: ""), """["agentName"]""", "too_small", "agentName is required" },
        { Body(agent: new string('x', 256)), """["agentName"]""", "too_big", "String must contain at most 255 character(s)" },
        { Body(agent: "a\\u0000"), """["agentName"]""", "invalid_string", "agentName must not contain NUL or unpaired surrogates" },
        { """{"agentName":"a"}""", """["metadata"]""", "invalid_type", "Required" },
        { Body(prompt: ""), """["metadata","systemPrompt"]""", "too_small", "String must contain at least 1 character(s)" },
        { """{"agentName":"a","metadata":{"systemPrompt":"p"}}""", """["metadata","tools"]""", "invalid_type", "Required" },
        { Body(tools: "{}"), """["metadata","tools"]""", "invalid_type", "Expected array, received object" },
        { Body(tools: """[{"name":"a"},{"name":""}]"""), """["metadata","tools",1,"name"]""", "too_small", "String must contain at least 1 character(s)" },
        { Body(tools: """[{"name":"a","inputSchema":{}}]"""), """["metadata","tools",0,"inputSchema"]""", "invalid_type", "Expected string, received object" },
        { Body(tools: "[1]"), """["metadata","tools",0]""", "invalid_type", "Expected object, received number" },
        { "[]", "[]", "invalid_type", "Expected object, received array" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task Faults_have_the_zod_form_and_name_the_path(string body, string path, string code, string message)
    {
        var answer = await _host.PostAsync(Init, body);

        answer.Status.Should().Be(400);
        answer.Body.GetProperty("success").GetBoolean().Should().BeFalse();
        answer.Body.GetProperty("error").GetProperty("name").GetString().Should().Be("ZodError");
        var issue = answer.Body.GetProperty("error").GetProperty("issues").EnumerateArray().Should().ContainSingle().Subject;
        (issue.GetProperty("code").GetString(), issue.GetProperty("message").GetString(), JsonSerializer.Serialize(issue.GetProperty("path")))
            .Should().Be((code, message, path));
        _host.Log.Facts.Should().BeEmpty();
    }
}
