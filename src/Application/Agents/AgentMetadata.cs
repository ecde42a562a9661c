using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Hindcast.Application.Payloads;

namespace Hindcast.Application.Agents;

/// <summary>What makes a version of an agent: the prompt it runs under and the tools it may call.</summary>
/// <param name="Description">Null is none; an empty one is another version (WhyOps contract, 2.3).</param>
public sealed record AgentMetadata(string SystemPrompt, IReadOnlyList<AgentTool> Tools, string? Description)
{
    /// <summary>
    /// 32 lower-case hex digits: the first half of SHA-256 over the metadata as compact JSON, members in the order <c>systemPrompt, tools
    /// [{name, inputSchema, outputSchema, description}], description</c>, absent ones left out. Neither the order of a sender's members
    /// nor members we do not know change it.
    /// </summary>
    public string Hash() => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Json())).AsSpan(0, 16));

    /// <summary>The agent's name in what a sender registered, <c>{agentName, metadata}</c>.</summary>
    public static string NameIn(JsonElement received) => Text(received, "agentName") ?? "";

    /// <summary>The <c>metadata</c> of what a sender registered, which its door has checked.</summary>
    public static AgentMetadata Read(JsonElement metadata) => new(
        Text(metadata, "systemPrompt") ?? "",
        [.. metadata.GetProperty("tools").EnumerateArray().Select(tool => new AgentTool(
            Text(tool, "name") ?? "", Text(tool, "inputSchema"), Text(tool, "outputSchema"), Text(tool, "description")))],
        Text(metadata, "description"));

    static string? Text(JsonElement element, string member)
    {
        var sanitised = false;
        return element.TryGetProperty(member, out var text) ? LenientText.Of(text, ref sanitised) : null;
    }

    string Json()
    {
        var json = new StringBuilder("{\"systemPrompt\":");
        Quote(json, SystemPrompt).Append(",\"tools\":[");
        for (var i = 0; i < Tools.Count; i++)
        {
            Quote(json.Append(i == 0 ? "" : ",").Append("{\"name\":"), Tools[i].Name);
            Member(json, "inputSchema", Tools[i].InputSchema);
            Member(json, "outputSchema", Tools[i].OutputSchema);
            Member(json, "description", Tools[i].Description).Append('}');
        }
        return Member(json.Append(']'), "description", Description).Append('}').ToString();
    }

    static StringBuilder Member(StringBuilder json, string name, string? value) =>
        value is null ? json : Quote(json.Append(CultureInfo.InvariantCulture, $",\"{name}\":"), value);

    /// <summary>As JavaScript's <c>JSON.stringify</c> quotes: our own encoders escape more, and the hash is over the bytes.</summary>
    static StringBuilder Quote(StringBuilder json, string text)
    {
        json.Append('"');
        foreach (var c in text)
        {
            _ = c switch
            {
                '"' => json.Append("\\\""),
                '\\' => json.Append("\\\\"),
                '\b' => json.Append("\\b"),
                '\f' => json.Append("\\f"),
                '\n' => json.Append("\\n"),
                '\r' => json.Append("\\r"),
                '\t' => json.Append("\\t"),
                < ' ' => json.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                _ => json.Append(c),
            };
        }
        return json.Append('"');
    }
}

/// <summary>A tool as an agent is told of it; the schemas are JSON text.</summary>
public sealed record AgentTool(string Name, string? InputSchema, string? OutputSchema, string? Description);
