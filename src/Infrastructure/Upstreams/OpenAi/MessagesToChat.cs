using System.Text.Json.Nodes;
using Hindcast.Application;
using Hindcast.Application.Gateway;

namespace Hindcast.Infrastructure.Upstreams.OpenAi;

/// <summary>Anthropic's messages asked of OpenAI's chat completions; what those have no place for is refused by name.</summary>
public sealed class MessagesToChat : ITranslation
{
    public Protocol From => Protocol.Messages;

    public Protocol To => Protocol.Chat;

    public ReadOnlyMemory<byte> Request(ReadOnlyMemory<byte> body, string model) => TranslatedJson.Request(body, messages =>
    {
        var said = new JsonArray();
        if (messages.Get("system").Texts() is { Length: > 0 } system) said.Add((JsonNode)new JsonObject { ["role"] = "system", ["content"] = system });
        foreach (var message in messages.Get("messages").Items()) Turn(message, said);

        var chat = new JsonObject { ["model"] = model, ["messages"] = said };
        TranslatedJson.Copy(
            messages, chat, ("max_tokens", "max_completion_tokens"), ("temperature", "temperature"), ("top_p", "top_p"), ("stop_sequences", "stop"), ("stream", "stream"));
        if (chat.Get("stream")?.ToString() == "true") chat["stream_options"] = new JsonObject { ["include_usage"] = true };
        if (messages.Get("metadata").Text("user_id") is { } user) chat["user"] = user;
        if (messages.Get("tools") is JsonArray tools) chat["tools"] = new JsonArray([.. tools.Select(ToolOf)]);
        var choice = messages.Get("tool_choice");
        JsonNode? wanted = choice.Text("type") switch
        {
            "auto" => "auto",
            "any" => "required",
            "none" => "none",
            "tool" => new JsonObject { ["type"] = "function", ["function"] = new JsonObject { ["name"] = choice.Text("name") } },
            _ => null,
        };
        if (wanted is not null) chat["tool_choice"] = wanted;
        if (choice.Get("disable_parallel_tool_use")?.ToString() == "true") chat["parallel_tool_calls"] = false;
        return chat;
    });

    public ReadOnlyMemory<byte> Answer(ReadOnlyMemory<byte> body, DateTimeOffset now) => TranslatedJson.Answer(body, chat =>
    {
        if (chat.Get("error") is { } error) return new JsonObject { ["type"] = "error", ["error"] = error.DeepClone() };
        var choice = chat.Get("choices").Items().First();
        var said = choice.Get("message");
        var content = new JsonArray();
        if (said.Text("reasoning_content") is { Length: > 0 } thought) content.Add((JsonNode)new JsonObject { ["type"] = "thinking", ["thinking"] = thought, ["signature"] = "" });
        if ((said.Get("content").Texts() is { Length: > 0 } words ? words : said.Text("refusal")) is { } text) content.Add((JsonNode)new JsonObject { ["type"] = "text", ["text"] = text });
        foreach (var call in said.Get("tool_calls").Items())
            content.Add((JsonNode)new JsonObject
            {
                ["type"] = "tool_use",
                ["id"] = call.Text("id"),
                ["name"] = call.Get("function").Text("name"),
                ["input"] = call.Get("function").Text("arguments") is { Length: > 0 } arguments ? JsonNode.Parse(arguments) : new JsonObject(),
            });
        return new JsonObject
        {
            ["id"] = chat.Text("id"),
            ["type"] = "message",
            ["role"] = "assistant",
            ["model"] = chat.Text("model"),
            ["content"] = content,
            ["stop_reason"] = StopOf(choice.Text("finish_reason")),
            ["stop_sequence"] = null,
            ["usage"] = UsageOf(chat.Get("usage")),
        };
    });

    public ReadOnlyMemory<byte> Error(int status, ReadOnlyMemory<byte> body)
    {
        var type = status switch
        {
            401 => "authentication_error",
            403 => "permission_error",
            404 => "not_found_error",
            413 => "request_too_large",
            429 => "rate_limit_error",
            503 or 529 => "overloaded_error",
            >= 500 => "api_error",
            _ => "invalid_request_error",
        };
        return new JsonObject { ["type"] = "error", ["error"] = new JsonObject { ["type"] = type, ["message"] = TranslatedJson.ErrorOf(body, status).Message } }.Bytes();
    }

    public IStreamRewrite Stream(bool withUsage, DateTimeOffset now) => new ChunksToMessages();

    public static string StopOf(string? finishReason) => finishReason switch
    {
        "length" => "max_tokens",
        "tool_calls" or "function_call" => "tool_use",
        "content_filter" => "refusal",
        _ => "end_turn",
    };

    /// <summary>OpenAI's counts as Anthropic tells them: what came from a cache lies beside the input.</summary>
    public static JsonObject UsageOf(JsonNode? usage)
    {
        var cached = usage.Get("prompt_tokens_details").Count("cached_tokens") ?? 0;
        return new()
        {
            ["input_tokens"] = Math.Max(0, (usage.Count("prompt_tokens") ?? 0) - cached),
            ["cache_read_input_tokens"] = cached,
            ["cache_creation_input_tokens"] = 0,
            ["output_tokens"] = usage.Count("completion_tokens") ?? 0,
        };
    }

    static void Turn(JsonNode message, JsonArray to)
    {
        var (role, content) = (message.Text("role"), message.Get("content"));
        if (role is not ("user" or "assistant" or "system")) throw new BadRequest("messages", $"A message has no role that is known: {role}.");
        if (content.Text() is { } text)
        {
            to.Add((JsonNode)new JsonObject { ["role"] = role, ["content"] = text });
            return;
        }
        var (parts, calls) = (new JsonArray(), new JsonArray());
        foreach (var block in content.Items())
        {
            switch (block.Text("type"))
            {
                case "text": parts.Add((JsonNode)new JsonObject { ["type"] = "text", ["text"] = block.Text("text") }); break;
                case "image": parts.Add((JsonNode)new JsonObject { ["type"] = "image_url", ["image_url"] = new JsonObject { ["url"] = UrlOf(block.Get("source")) } }); break;
                case "tool_use":
                    calls.Add((JsonNode)new JsonObject
                    {
                        ["id"] = block.Text("id"), ["type"] = "function",
                        ["function"] = new JsonObject { ["name"] = block.Text("name"), ["arguments"] = (block.Get("input") ?? new JsonObject()).ToJsonString() },
                    });
                    break;
                // Results go before what the user says beside them: they answer the turn before.
                case "tool_result":
                    to.Add((JsonNode)new JsonObject { ["role"] = "tool", ["tool_call_id"] = block.Text("tool_use_id"), ["content"] = block.Get("content").Texts() ?? "" });
                    break;
                // A thought is its model's own, and signed for it.
                case "thinking" or "redacted_thinking": break;
                case var other: throw new BadRequest("messages", $"This model takes no block of type '{other}'.");
            }
        }
        if (parts.Count == 0 && calls.Count == 0) return;
        var turn = new JsonObject { ["role"] = role };
        if (parts.Count > 0) turn["content"] = role == "user" ? parts : parts.Texts();
        else turn["content"] = null;
        if (calls.Count > 0) turn["tool_calls"] = calls;
        to.Add((JsonNode)turn);
    }

    static string? UrlOf(JsonNode? source) =>
        source.Text("type") == "base64" ? $"data:{source.Text("media_type")};base64,{source.Text("data")}" : source.Text("url");

    static JsonNode ToolOf(JsonNode? tool)
    {
        if (tool.Text("type") is not (null or "custom")) throw new BadRequest("tools", $"This model has no tool of type '{tool.Text("type")}'.");
        var function = new JsonObject { ["name"] = tool.Text("name"), ["parameters"] = tool.Get("input_schema")?.DeepClone() };
        if (tool.Text("description") is { } description) function["description"] = description;
        return new JsonObject { ["type"] = "function", ["function"] = function };
    }
}
