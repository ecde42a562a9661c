using System.Buffers;
using System.Text.Json.Nodes;

namespace Hindcast.Infrastructure.Upstreams.OpenAi;

/// <summary>
/// Chunks of a chat completion as Anthropic's stream of blocks. Usage comes after the last word, so the end waits for it; a stream that breaks
/// off before its reason to stop has no end.
/// </summary>
sealed class ChunksToMessages : TranslatedStream
{
    readonly Dictionary<long, int> _calls = [];
    int _blocks, _open = -1;
    string? _openType, _finish;
    JsonNode? _usage;
    bool _started, _ended;

    public override void End(IBufferWriter<byte> to) => Done(to);

    protected override void Take(JsonNode data, IBufferWriter<byte> to)
    {
        if (data.Get("error") is { } error)
        {
            _ended = true;
            to.WriteEvent(new JsonObject { ["type"] = "error", ["error"] = new JsonObject { ["type"] = "api_error", ["message"] = error.Text("message") ?? error.Text() } }, "error");
            return;
        }
        Start(data, to);
        if (data.Get("usage") is JsonObject usage) _usage = usage.DeepClone();
        foreach (var choice in data.Get("choices").Items().Take(1))
        {
            var delta = choice.Get("delta");
            if (delta.Text("reasoning_content") is { Length: > 0 } thought) Say(to, "thinking", "thinking_delta", "thinking", thought);
            if ((delta.Text("content") ?? delta.Text("refusal")) is { Length: > 0 } text) Say(to, "text", "text_delta", "text", text);
            foreach (var call in delta.Get("tool_calls").Items()) Call(to, call);
            _finish = choice.Text("finish_reason") ?? _finish;
        }
    }

    protected override void Done(IBufferWriter<byte> to)
    {
        if (_ended || _finish is null) return;
        _ended = true;
        Close(to);
        Write(to, "message_delta", new()
        {
            ["delta"] = new JsonObject { ["stop_reason"] = MessagesToChat.StopOf(_finish), ["stop_sequence"] = null }, ["usage"] = MessagesToChat.UsageOf(_usage),
        });
        Write(to, "message_stop", []);
    }

    void Start(JsonNode data, IBufferWriter<byte> to)
    {
        if (_started) return;
        _started = true;
        Write(to, "message_start", new()
        {
            ["message"] = new JsonObject
            {
                ["id"] = data.Text("id"), ["type"] = "message", ["role"] = "assistant", ["model"] = data.Text("model"), ["content"] = new JsonArray(),
                ["stop_reason"] = null, ["stop_sequence"] = null, ["usage"] = MessagesToChat.UsageOf(null),
            },
        });
    }

    void Say(IBufferWriter<byte> to, string block, string delta, string member, string text)
    {
        if (_openType != block)
        {
            var start = new JsonObject { ["type"] = block, [member] = "" };
            if (block == "thinking") start["signature"] = "";
            Open(to, block, start);
        }
        Write(to, "content_block_delta", new() { ["index"] = _open, ["delta"] = new JsonObject { ["type"] = delta, [member] = text } });
    }

    void Call(IBufferWriter<byte> to, JsonNode call)
    {
        var index = call.Count("index") ?? 0;
        var function = call.Get("function");
        if (!_calls.TryGetValue(index, out var block))
        {
            Open(to, $"tool {index}", new() { ["type"] = "tool_use", ["id"] = call.Text("id"), ["name"] = function.Text("name"), ["input"] = new JsonObject() });
            block = _calls[index] = _open;
        }
        if (function.Text("arguments") is { Length: > 0 } arguments)
            Write(to, "content_block_delta", new() { ["index"] = block, ["delta"] = new JsonObject { ["type"] = "input_json_delta", ["partial_json"] = arguments } });
    }

    void Open(IBufferWriter<byte> to, string type, JsonObject block)
    {
        Close(to);
        (_open, _openType) = (_blocks++, type);
        Write(to, "content_block_start", new() { ["index"] = _open, ["content_block"] = block });
    }

    void Close(IBufferWriter<byte> to)
    {
        if (_openType is null) return;
        _openType = null;
        Write(to, "content_block_stop", new() { ["index"] = _open });
    }

    static void Write(IBufferWriter<byte> to, string type, JsonObject data)
    {
        data["type"] = type;
        to.WriteEvent(data, type);
    }
}
