using System.Text.Json;
using Hindcast.Application.Gateway;

namespace Hindcast.Api.Dialects.OpenAi;

/// <summary>
/// Responses. The last event of a stream repeats the whole answer; until it comes the deltas tell how far the model got.
/// </summary>
internal sealed class ResponsesWire : IWire
{
    public Protocol Protocol => Protocol.Responses;

    public bool EndsWithToolResult(JsonElement request) =>
        request.Elements("input").LastOrDefault(i => i.Said("role") is not ("system" or "developer")).Said("type") is "function_call_output" or "custom_tool_call_output";

    public IAnswerReader Read() => new Reader();

    public IStreamRewrite? WithoutUsage() => null;

    public byte[] BrokenOff(string message) => OpenAiErrors.Event(message);

    sealed class Reader : IAnswerReader
    {
        public Answer Answer { get; private set; } = new();

        public void TakeBody(JsonElement body) => Whole(body);

        public void TakeEvent(string? name, JsonElement data)
        {
            switch (data.Said("type") ?? name)
            {
                case "response.created":
                    Answer.Id = data.Member("response")?.Said("id");
                    Answer.Model = data.Member("response")?.Said("model");
                    break;
                case "response.output_text.delta": Answer.Text.Append(data.Said("delta")); break;
                case "response.refusal.delta": Answer.Refusal.Append(data.Said("delta")); break;
                case "response.reasoning_summary_text.delta" or "response.reasoning_text.delta":
                    if (Answer.Thinking.Count == 0) Answer.Thinking.Add(new());
                    Answer.Thinking[0].Text.Append(data.Said("delta"));
                    break;
                case "response.output_item.added" when data.Member("item") is { } item && IsCall(item): Answer.ToolCalls.Add(Call(item)); break;
                case "response.function_call_arguments.delta" or "response.custom_tool_call_input.delta" when Answer.ToolCalls.Count > 0:
                    Answer.ToolCalls[^1].Arguments.Append(data.Said("delta"));
                    break;
                case "response.completed" or "response.incomplete" or "response.failed" when data.Member("response") is { } whole:
                    Answer = new();
                    Whole(whole);
                    break;
                case "error": Answer.Error = data.Said("message") ?? data.ErrorOf() ?? "error"; break;
                default: Answer.Error ??= data.ErrorOf(); break;
            }
        }

        void Whole(JsonElement body)
        {
            Answer.Id = body.Said("id");
            Answer.Model = body.Said("model");
            Answer.Error = body.ErrorOf();
            Answer.FinishReason = body.Member("incomplete_details")?.Said("reason") ?? body.Said("status");
            Answer.Finished = body.Said("status") is not ("in_progress" or "queued");
            OpenAiUsage.Read(body, Answer);
            foreach (var item in body.Elements("output")) Item(item);
        }

        void Item(JsonElement item)
        {
            if (IsCall(item)) Answer.ToolCalls.Add(Call(item));
            else if (item.Said("type") == "reasoning")
            {
                var thought = new Thought();
                foreach (var part in item.Elements("summary").Concat(item.Elements("content"))) thought.Text.Append(part.Said("text"));
                if (thought.Text.Length > 0) Answer.Thinking.Add(thought);
            }
            foreach (var part in item.Said("type") == "message" ? item.Elements("content") : [])
            {
                Answer.Text.Append(part.Said("text"));
                Answer.Refusal.Append(part.Said("refusal"));
            }
        }

        static bool IsCall(JsonElement item) => item.Said("type") is "function_call" or "custom_tool_call";

        static ToolCall Call(JsonElement item)
        {
            var call = new ToolCall { Id = item.Said("call_id") ?? item.Said("id"), Name = item.Said("name") ?? "" };
            call.Arguments.Append(item.Said("arguments") ?? item.Said("input"));
            return call;
        }
    }
}
