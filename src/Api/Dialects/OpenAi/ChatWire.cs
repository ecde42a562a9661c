using System.Text;
using System.Text.Json;
using Hindcast.Application.Gateway;

namespace Hindcast.Api.Dialects.OpenAi;

/// <summary>Chat completions, whole and in chunks.</summary>
internal sealed class ChatWire : IWire
{
    public Protocol Protocol => Protocol.Chat;

    public bool EndsWithToolResult(JsonElement request) =>
        request.Elements("messages").LastOrDefault(m => m.Said("role") is not ("system" or "developer")).Said("role") is "tool" or "function";

    public IAnswerReader Read() => new Reader();

    public IStreamRewrite WithoutUsage() => new UsageStrip();

    public byte[] BrokenOff(string message) => OpenAiErrors.Event(message);

    sealed class Reader : IAnswerReader
    {
        readonly SortedDictionary<long, ToolCall> _calls = [];

        public Answer Answer { get; } = new();

        public void TakeBody(JsonElement body)
        {
            Head(body);
            Answer.Error = body.ErrorOf();
            var choices = body.Elements("choices").ToList();
            if (choices.Count > 1) Answer.Choices = body.Raw("choices");
            if (choices.Count > 0) Take(choices[0], "message");
            Answer.Finished = choices.Count > 0;
        }

        public void TakeEvent(string? name, JsonElement data)
        {
            Head(data);
            Answer.Error ??= data.ErrorOf();
            // Of several answers in one stream the first is the one that is put together.
            foreach (var choice in data.Elements("choices"))
                if (choice.Count("index") is null or 0) Take(choice, "delta");
            Answer.Finished |= Answer.FinishReason is not null;
        }

        /// <summary>Once the head is known; every chunk repeats it.</summary>
        public bool TakeText(ReadOnlySpan<byte> data) => Answer is { Id: not null, Model: not null } && TextChunk.TryAppend(data, Answer.Text);

        void Head(JsonElement body)
        {
            Answer.Id ??= body.Said("id");
            Answer.Model ??= body.Said("model");
            OpenAiUsage.Read(body, Answer);
        }

        void Take(JsonElement choice, string part)
        {
            Answer.FinishReason = choice.Said("finish_reason") ?? Answer.FinishReason;
            if (choice.Member(part) is not { } said) return;
            Answer.Text.Append(said.Said("content"));
            Answer.Refusal.Append(said.Said("refusal"));
            // What providers that speak this protocol call it; OpenAI itself keeps its reasoning.
            if ((said.Said("reasoning_content") ?? said.Said("reasoning")) is { } thought)
            {
                if (Answer.Thinking.Count == 0) Answer.Thinking.Add(new());
                Answer.Thinking[0].Text.Append(thought);
            }
            var at = 0L;
            foreach (var call in said.Elements("tool_calls")) TakeCall(call, call.Count("index") ?? at++);
        }

        void TakeCall(JsonElement call, long index)
        {
            if (!_calls.TryGetValue(index, out var held)) Answer.ToolCalls.Add(_calls[index] = held = new());
            held.Id ??= call.Said("id");
            var function = call.Member("function") ?? call.Member("custom") ?? default;
            held.Name += function.Said("name");
            held.Arguments.Append(function.Said("arguments") ?? function.Said("input"));
        }
    }
}
