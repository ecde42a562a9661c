using System.Text.Json;
using Hindcast.Application.Gateway;
using Hindcast.Domain.Traces;

namespace Hindcast.Api.Dialects.Anthropic;

/// <summary>Anthropic's messages, whole and as a stream of blocks.</summary>
internal sealed class MessagesWire : IWire
{
    public Protocol Protocol => Protocol.Messages;

    public bool EndsWithToolResult(JsonElement request) =>
        request.Elements("messages").LastOrDefault().Elements("content").Any(b => b.Said("type") == "tool_result");

    public IAnswerReader Read() => new Reader();

    public IStreamRewrite? WithoutUsage() => null;

    public byte[] BrokenOff(string message) => AnthropicErrors.Event(message);

    sealed class Reader : IAnswerReader
    {
        readonly Dictionary<long, object> _blocks = [];
        Usage _usage = new();

        public Answer Answer { get; } = new();

        public void TakeBody(JsonElement body)
        {
            Answer.Error = body.ErrorOf();
            Head(body);
            Answer.FinishReason = body.Said("stop_reason");
            Answer.Finished = Answer.FinishReason is not null;
            foreach (var block in body.Elements("content")) Open(block, whole: true);
        }

        public void TakeEvent(string? name, JsonElement data)
        {
            switch (data.Said("type") ?? name)
            {
                case "message_start" when data.Member("message") is { } message: Head(message); break;
                case "content_block_start" when data.Member("content_block") is { } block:
                    if (Open(block, whole: false) is { } opened) _blocks[data.Count("index") ?? _blocks.Count] = opened;
                    break;
                case "content_block_delta" when data.Member("delta") is { } delta: Delta(delta, data.Count("index")); break;
                case "message_delta":
                    Answer.FinishReason = data.Member("delta")?.Said("stop_reason") ?? Answer.FinishReason;
                    TakeUsage(data);
                    break;
                case "message_stop": Answer.Finished = true; break;
                case "error": Answer.Error = data.ErrorOf() ?? "error"; break;
            }
        }

        void Head(JsonElement message)
        {
            Answer.Id = message.Said("id");
            Answer.Model = message.Said("model");
            TakeUsage(message);
        }

        /// <summary>A stream tells its input at the start and its output at the end; what is told later is the sum so far.</summary>
        void TakeUsage(JsonElement holder)
        {
            if (holder.Member("usage") is not { ValueKind: JsonValueKind.Object } usage) return;
            Answer.ReportedUsage = holder.Raw("usage");
            var split = usage.Member("cache_creation") ?? default;
            var (written5m, written1h) = (split.Count("ephemeral_5m_input_tokens"), split.Count("ephemeral_1h_input_tokens"));
            if (written5m is null && written1h is null) written5m = usage.Count("cache_creation_input_tokens");
            Answer.Usage = _usage = new()
            {
                Input = usage.Count("input_tokens") ?? _usage.Input,
                CacheRead = usage.Count("cache_read_input_tokens") ?? _usage.CacheRead,
                CacheWrite5m = written5m ?? _usage.CacheWrite5m,
                CacheWrite1h = written1h ?? _usage.CacheWrite1h,
                Output = usage.Count("output_tokens") ?? _usage.Output,
                Reasoning = usage.Member("output_tokens_details")?.Count("thinking_tokens") ?? _usage.Reasoning,
            };
        }

        object? Open(JsonElement block, bool whole)
        {
            switch (block.Said("type"))
            {
                case "text":
                    Answer.Text.Append(block.Said("text"));
                    return null;
                case "thinking" or "redacted_thinking":
                    var thought = new Thought { Redacted = block.Said("type") != "thinking", Signature = block.Said("signature") };
                    thought.Text.Append(block.Said("thinking") ?? block.Said("data"));
                    Answer.Thinking.Add(thought);
                    return thought;
                case "tool_use" or "server_tool_use" or "mcp_tool_use":
                    var call = new ToolCall { Id = block.Said("id"), Name = block.Said("name") ?? "" };
                    // At the start of a stream it is an empty object, and the arguments follow in pieces.
                    if (whole) call.Arguments.Append(block.Raw("input"));
                    Answer.ToolCalls.Add(call);
                    return call;
                default: return null;
            }
        }

        void Delta(JsonElement delta, long? index)
        {
            var block = _blocks.GetValueOrDefault(index ?? -1);
            switch (delta.Said("type"))
            {
                case "text_delta": Answer.Text.Append(delta.Said("text")); break;
                case "thinking_delta" when block is Thought thought: thought.Text.Append(delta.Said("thinking")); break;
                case "signature_delta" when block is Thought thought: thought.Signature += delta.Said("signature"); break;
                case "input_json_delta" when block is ToolCall call: call.Arguments.Append(delta.Said("partial_json")); break;
            }
        }
    }
}
