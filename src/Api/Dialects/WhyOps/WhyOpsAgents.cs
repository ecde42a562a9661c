using System.Text.Json;
using Hindcast.Application.Agents;
using Hindcast.Application.Payloads;
using MediatR;

namespace Hindcast.Api.Dialects.WhyOps;

/// <summary>
/// Agent init (WhyOps contract, 2.3). Of a tool only the name is asked for: the SDKs mark the rest optional, and who follows them must not
/// be refused. Metadata that was a version before is that version again.
/// </summary>
internal static class WhyOpsAgents
{
    const int MostBodyBytes = 1 << 20;

    /// <summary>201 for a new version, 200 for a known one: <c>{success, agentId, agentVersionId, status, versionHash}</c>.</summary>
    public static async Task<IResult> InitAsync(HttpContext http, IMediator mediator, CancellationToken ct)
    {
        using var body = await RequestBody.ReadAsync(http, MostBodyBytes, ct);
        using var json = JsonBatch.Parse(body.Bytes);
        var issues = new List<WhyOpsIssue>();
        if (json.IsArray) issues.Add(new("invalid_type", "Expected object, received array", []));
        else if (PayloadRules.Check(json.RawOf(0).Span) is { } fault)
            issues.Add(new("custom", fault.Message, fault.Field.Length == 0 ? [] : [fault.Field]));
        else if (Read(json.Elements[0], issues) is var (name, metadata))
        {
            var reader = new WhyOpsPayload();
            var received = json.RawOf(0).ToArray();
            var version = await mediator.Send(new InitAgent(http.Caller(), name, metadata, reader.Dialect, reader.Version, received), ct);
            http.Response.Headers[WhyOpsAnswers.LogPosition] = version.Position.ToString();
            return WhyOpsAnswers.Json(version.Created ? 201 : 200, new
            {
                success = true,
                agentId = version.AgentId,
                agentVersionId = version.VersionId,
                status = version.Created ? "created" : "existing",
                versionHash = version.Hash,
            });
        }
        return WhyOpsAnswers.Json(400, new { success = false, error = new { issues, name = "ZodError" } });
    }

    static (string Name, AgentMetadata Metadata)? Read(JsonElement body, List<WhyOpsIssue> issues)
    {
        var name = Required(body, "agentName", ["agentName"], issues);
        if (body.Get("agentName") is { ValueKind: JsonValueKind.String } given && !LenientText.IsClean(given))
            issues.Add(new("invalid_string", "agentName must not contain NUL or unpaired surrogates", ["agentName"]));
        if (name?.Length > WhyOpsRules.LongestAgentName)
            issues.Add(new("too_big", $"String must contain at most {WhyOpsRules.LongestAgentName} character(s)", ["agentName"]));

        var metadata = body.Get("metadata");
        if (!Is(metadata, JsonValueKind.Object, ["metadata"], issues)) return null;
        var prompt = Required(metadata, "systemPrompt", ["metadata", "systemPrompt"], issues);
        var description = Optional(metadata, "description", ["metadata", "description"], issues);
        var tools = new List<AgentTool>();
        if (Is(metadata.Get("tools"), JsonValueKind.Array, ["metadata", "tools"], issues))
            foreach (var tool in metadata.Get("tools").EnumerateArray())
                tools.Add(ToolOf(tool, ["metadata", "tools", tools.Count], issues));
        return issues.Count == 0 ? (name!, new(prompt!, tools, description)) : null;
    }

    static AgentTool ToolOf(JsonElement tool, object[] path, List<WhyOpsIssue> issues) => Is(tool, JsonValueKind.Object, path, issues)
        ? new(
            Required(tool, "name", [.. path, "name"], issues) ?? "",
            Optional(tool, "inputSchema", [.. path, "inputSchema"], issues),
            Optional(tool, "outputSchema", [.. path, "outputSchema"], issues),
            Optional(tool, "description", [.. path, "description"], issues))
        : new("", null, null, null);

    static string? Required(JsonElement element, string member, object[] path, List<WhyOpsIssue> issues)
    {
        if (!Is(element.Get(member), JsonValueKind.String, path, issues)) return null;
        var text = Text(element.Get(member));
        if (text.Length == 0)
            issues.Add(new("too_small", member == "agentName" ? "agentName is required" : "String must contain at least 1 character(s)", path));
        return text;
    }

    static string? Optional(JsonElement element, string member, object[] path, List<WhyOpsIssue> issues)
    {
        var given = element.Get(member);
        return given.ValueKind != JsonValueKind.Undefined && Is(given, JsonValueKind.String, path, issues) ? Text(given) : null;
    }

    static bool Is(JsonElement element, JsonValueKind kind, object[] path, List<WhyOpsIssue> issues)
    {
        if (element.ValueKind == kind) return true;
        issues.Add(new(
            "invalid_type",
            element.ValueKind == JsonValueKind.Undefined
                ? "Required"
                : $"Expected {kind.ToString().ToLowerInvariant()}, received {element.TypeName()}",
            path));
        return false;
    }

    static string Text(JsonElement text)
    {
        var sanitised = false;
        return LenientText.Of(text, ref sanitised);
    }
}

/// <summary>One complaint as Zod words it; the path is member names and array indexes.</summary>
internal sealed record WhyOpsIssue(string Code, string Message, object[] Path);
