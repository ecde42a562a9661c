using System.Buffers;
using System.Text.Json.Nodes;

namespace Hindcast.Infrastructure.Upstreams.Anthropic;

/// <summary>A stream of Anthropic's as chunks of a chat completion. It ends in <c>[DONE]</c> only if the message came to its end.</summary>
sealed class MessagesToChunks(bool withUsage, DateTimeOffset now) : TranslatedStream
{
    readonly Dictionary<long, int> _calls = [];
    readonly JsonObject _usage = [];
    string? _id, _model;

    public override void End(IBufferWriter<byte> to) { }

    protected override void Take(JsonNode data, IBufferWriter<byte> to)
    {
        switch (data.Text("type"))
        {
            case "message_start":
                var message = data.Get("message");
                (_id, _model) = (message.Text("id"), message.Text("model"));
                Count(message.Get("usage"));
                Say(to, new() { ["role"] = "assistant", ["content"] = "" });
                break;
            case "content_block_start" when data.Get("content_block") is { } block && block.Text("type") == "tool_use":
                var at = _calls[data.Count("index") ?? -1] = _calls.Count;
                Call(to, at, new()
                {
                    ["id"] = block.Text("id"), ["type"] = "function", ["function"] = new JsonObject { ["name"] = block.Text("name"), ["arguments"] = "" },
                });
                break;
            case "content_block_delta": Delta(data, to); break;
            case "message_delta":
                Count(data.Get("usage"));
                if (data.Get("delta").Text("stop_reason") is { } reason) Say(to, [], ChatToMessages.FinishOf(reason));
                break;
            case "message_stop":
                if (withUsage) to.WriteEvent(Chunk([], ChatUsage.Of(_usage)));
                to.Write("data: [DONE]\n\n"u8);
                break;
            case "error":
                var error = data.Get("error");
                to.WriteEvent(new JsonObject { ["error"] = new JsonObject { ["message"] = error.Text("message"), ["type"] = error.Text("type"), ["code"] = "upstream_error" } });
                break;
        }
    }

    void Delta(JsonNode data, IBufferWriter<byte> to)
    {
        var delta = data.Get("delta");
        switch (delta.Text("type"))
        {
            case "text_delta": Say(to, new() { ["content"] = delta.Text("text") }); break;
            case "thinking_delta": Say(to, new() { ["reasoning_content"] = delta.Text("thinking") }); break;
            case "input_json_delta" when _calls.TryGetValue(data.Count("index") ?? -1, out var call):
                Call(to, call, new() { ["function"] = new JsonObject { ["arguments"] = delta.Text("partial_json") } });
                break;
        }
    }

    /// <summary>What is told later is the sum so far.</summary>
    void Count(JsonNode? usage)
    {
        if (usage is not JsonObject counts) return;
        foreach (var (name, count) in counts)
            if (count is JsonValue) _usage[name] = count.DeepClone();
    }

    void Call(IBufferWriter<byte> to, int index, JsonObject call)
    {
        call["index"] = index;
        Say(to, new() { ["tool_calls"] = new JsonArray(call) });
    }

    void Say(IBufferWriter<byte> to, JsonObject delta, string? finish = null) =>
        to.WriteEvent(Chunk([new JsonObject { ["index"] = 0, ["delta"] = delta, ["logprobs"] = null, ["finish_reason"] = finish }]));

    JsonObject Chunk(JsonArray choices, JsonObject? usage = null)
    {
        var chunk = new JsonObject { ["id"] = _id, ["object"] = "chat.completion.chunk", ["created"] = now.ToUnixTimeSeconds(), ["model"] = _model, ["choices"] = choices };
        if (usage is not null) chunk["usage"] = usage;
        return chunk;
    }
}
