using System.Text.Json.Nodes;
using Hindcast.Application;
using Hindcast.Application.Gateway;

namespace Hindcast.Infrastructure.Upstreams.Anthropic;

/// <summary>
/// A chat completion asked of Anthropic: system, images, tools and their results go over; what its messages have no place for, and what would
/// change the answer if it were left out, is refused by name.
/// </summary>
public sealed class ChatToMessages : ITranslation
{
    /// <summary>Anthropic asks for a bound; this one stands where the caller gives none.</summary>
    const int UsualMostTokens = 4_096;

    public Protocol From => Protocol.Chat;

    public Protocol To => Protocol.Messages;

    public ReadOnlyMemory<byte> Request(ReadOnlyMemory<byte> body, string model) => TranslatedJson.Request(body, chat =>
    {
        if (chat.Count("n") > 1) throw new BadRequest("n", "n must be 1 for this model.");
        if (chat.Get("response_format").Text("type") is not (null or "text")) throw new BadRequest("response_format", "response_format must be text for this model.");
        if (chat.Get("logprobs")?.ToString() == "true") throw new BadRequest("logprobs", "This model tells no logprobs.");

        var messages = new JsonObject { ["model"] = model };
        var (system, turns) = TurnsOf(chat.Get("messages"));
        if (system.Count > 0) messages["system"] = string.Join("\n\n", system);
        messages["messages"] = turns;
        messages["max_tokens"] = chat.Count("max_completion_tokens") ?? chat.Count("max_tokens") ?? UsualMostTokens;
        TranslatedJson.Copy(chat, messages, ("top_p", "top_p"), ("stream", "stream"));
        // OpenAI's goes to 2, Anthropic's to 1.
        if (chat.Get("temperature") is JsonValue temperature) messages["temperature"] = Math.Min(1, temperature.GetValue<double>());
        if (chat.Get("stop") is { } stop) messages["stop_sequences"] = stop is JsonArray ? stop.DeepClone() : new JsonArray(stop.DeepClone());
        if (chat.Text("user") is { } user) messages["metadata"] = new JsonObject { ["user_id"] = user };
        if (chat.Get("tools") is JsonArray tools) messages["tools"] = new JsonArray([.. tools.Select(ToolOf)]);
        if (ChoiceOf(chat) is { } choice) messages["tool_choice"] = choice;
        return messages;
    });

    public ReadOnlyMemory<byte> Answer(ReadOnlyMemory<byte> body, DateTimeOffset now) => TranslatedJson.Answer(body, message =>
    {
        if (message.Get("error") is { } error) return new JsonObject { ["error"] = error.DeepClone() };
        var blocks = message.Get("content").Items().ToList();
        var text = string.Concat(blocks.Where(b => b.Text("type") == "text").Select(b => b.Text("text")));
        var thoughts = string.Concat(blocks.Where(b => b.Text("type") == "thinking").Select(b => b.Text("thinking")));
        var calls = blocks.Where(b => b.Text("type") == "tool_use").Select(b => (JsonNode)new JsonObject
        {
            ["id"] = b.Text("id"),
            ["type"] = "function",
            ["function"] = new JsonObject { ["name"] = b.Text("name"), ["arguments"] = (b.Get("input") ?? new JsonObject()).ToJsonString() },
        }).ToArray();
        var said = new JsonObject { ["role"] = "assistant", ["content"] = text.Length > 0 || calls.Length == 0 ? text : null, ["refusal"] = null };
        if (thoughts.Length > 0) said["reasoning_content"] = thoughts;
        if (calls.Length > 0) said["tool_calls"] = new JsonArray(calls);
        return new JsonObject
        {
            ["id"] = message.Text("id"),
            ["object"] = "chat.completion",
            ["created"] = now.ToUnixTimeSeconds(),
            ["model"] = message.Text("model"),
            ["choices"] = new JsonArray(new JsonObject
            {
                ["index"] = 0, ["message"] = said, ["logprobs"] = null, ["finish_reason"] = FinishOf(message.Text("stop_reason")),
            }),
            ["usage"] = ChatUsage.Of(message.Get("usage")),
        };
    });

    public ReadOnlyMemory<byte> Error(int status, ReadOnlyMemory<byte> body)
    {
        var (message, type) = TranslatedJson.ErrorOf(body, status);
        var code = type switch { "rate_limit_error" => "rate_limit_exceeded", "not_found_error" => "model_not_found", null => "upstream_error", _ => type };
        return new JsonObject { ["error"] = new JsonObject { ["message"] = message, ["type"] = type ?? "upstream_error", ["code"] = code } }.Bytes();
    }

    public IStreamRewrite Stream(bool withUsage, DateTimeOffset now) => new MessagesToChunks(withUsage, now);

    public static string FinishOf(string? stopReason) => stopReason switch
    {
        "max_tokens" or "model_context_window_exceeded" => "length",
        "tool_use" => "tool_calls",
        "refusal" => "content_filter",
        _ => "stop",
    };

    /// <summary>The system's words apart; what follows each other from one side is one turn, as Anthropic wants it.</summary>
    static (List<string> System, JsonArray Turns) TurnsOf(JsonNode? messages)
    {
        var (system, turns) = (new List<string>(), new JsonArray());
        foreach (var message in messages.Items())
        {
            var role = message.Text("role");
            if (role is "system" or "developer")
            {
                if (message.Get("content").Texts() is { } words) system.Add(words);
                continue;
            }
            var (side, blocks) = role switch
            {
                "assistant" => ("assistant", Said(message)),
                "tool" or "function" => ("user", [ResultOf(message)]),
                "user" => ("user", Parts(message.Get("content"))),
                _ => throw new BadRequest("messages", $"A message has no role that is known: {role}."),
            };
            if (blocks.Count == 0) continue;
            if (turns.Count > 0 && turns[^1].Text("role") == side) blocks.ForEach(((JsonArray)turns[^1].Get("content")!).Add);
            else turns.Add((JsonNode)new JsonObject { ["role"] = side, ["content"] = new JsonArray([.. blocks]) });
        }
        return (system, turns);
    }

    static List<JsonNode> Said(JsonNode message)
    {
        var blocks = Parts(message.Get("content"));
        foreach (var call in message.Get("tool_calls").Items())
            blocks.Add(new JsonObject
            {
                ["type"] = "tool_use",
                ["id"] = call.Text("id"),
                ["name"] = call.Get("function").Text("name"),
                ["input"] = call.Get("function").Text("arguments") is { Length: > 0 } arguments ? JsonNode.Parse(arguments) : new JsonObject(),
            });
        return blocks;
    }

    static JsonObject ResultOf(JsonNode message) => new()
    {
        ["type"] = "tool_result",
        ["tool_use_id"] = message.Text("tool_call_id"),
        ["content"] = message.Get("content") is JsonArray parts ? new JsonArray([.. Parts(parts)]) : message.Text("content") ?? "",
    };

    static List<JsonNode> Parts(JsonNode? content)
    {
        if (content.Text() is { } text) return text.Length == 0 ? [] : [new JsonObject { ["type"] = "text", ["text"] = text }];
        return [.. content.Items().Select(part => part.Text("type") switch
        {
            "text" or "refusal" => (JsonNode)new JsonObject { ["type"] = "text", ["text"] = part.Text("text") ?? part.Text("refusal") },
            "image_url" => ImageOf(part.Get("image_url").Text("url") ?? ""),
            var other => throw new BadRequest("messages", $"This model takes no part of type '{other}'."),
        })];
    }

    static JsonObject ImageOf(string url)
    {
        const string data = "data:", base64 = ";base64,";
        var comma = url.IndexOf(base64, StringComparison.Ordinal);
        var source = url.StartsWith(data, StringComparison.Ordinal) && comma > 0
            ? new JsonObject { ["type"] = "base64", ["media_type"] = url[data.Length..comma], ["data"] = url[(comma + base64.Length)..] }
            : new JsonObject { ["type"] = "url", ["url"] = url };
        return new() { ["type"] = "image", ["source"] = source };
    }

    static JsonNode ToolOf(JsonNode? tool)
    {
        if (tool.Text("type") is not "function") throw new BadRequest("tools", "Only tools of type function can be given to this model.");
        var function = tool.Get("function");
        var made = new JsonObject
        {
            ["name"] = function.Text("name"),
            ["input_schema"] = function.Get("parameters")?.DeepClone() ?? new JsonObject { ["type"] = "object", ["properties"] = new JsonObject() },
        };
        if (function.Text("description") is { } description) made["description"] = description;
        return made;
    }

    static JsonObject? ChoiceOf(JsonNode chat)
    {
        var choice = chat.Get("tool_choice");
        var made = choice.Text() switch
        {
            "auto" => new JsonObject { ["type"] = "auto" },
            "none" => new JsonObject { ["type"] = "none" },
            "required" => new JsonObject { ["type"] = "any" },
            _ when choice.Get("function").Text("name") is { } name => new JsonObject { ["type"] = "tool", ["name"] = name },
            _ => null,
        };
        if (chat.Get("parallel_tool_calls")?.ToString() != "false" || chat.Get("tools") is not JsonArray) return made;
        made ??= new() { ["type"] = "auto" };
        if (made.Text("type") != "none") made["disable_parallel_tool_use"] = true;
        return made;
    }
}

/// <summary>Anthropic's counts as OpenAI tells them: what was read from a cache or written to one lies inside the prompt.</summary>
static class ChatUsage
{
    public static JsonObject Of(JsonNode? usage)
    {
        var (read, written) = (usage.Count("cache_read_input_tokens") ?? 0, usage.Count("cache_creation_input_tokens") ?? 0);
        var (prompt, output) = ((usage.Count("input_tokens") ?? 0) + read + written, usage.Count("output_tokens") ?? 0);
        return new()
        {
            ["prompt_tokens"] = prompt,
            ["completion_tokens"] = output,
            ["total_tokens"] = prompt + output,
            ["prompt_tokens_details"] = new JsonObject { ["cached_tokens"] = read, ["cache_creation_tokens"] = written },
        };
    }
}
