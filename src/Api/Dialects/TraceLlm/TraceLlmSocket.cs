using System.Text.Json;
using Hindcast.Api.Live;
using Hindcast.Application.Live;
using Hindcast.Application.ReadModels;
using Hindcast.Application.Traces;

namespace Hindcast.Api.Dialects.TraceLlm;

/// <summary>
/// TraceLLM's socket (contract 2.6): says that it is connected, then each trace of the caller's project as it is created and, which is ours, as
/// it changes (<c>trace.updated</c>; its clients ignore types they do not know). <c>position</c> beside the trace is that of its newest fact.
/// </summary>
internal sealed class TraceLlmSocket(TraceLlmVoice voice) : ILiveTalk
{
    public ILiveVoice Voice => voice;

    public bool Wants(LiveMessage message) => true;

    public ReadOnlyMemory<byte>? Greeting { get; } = """{"type":"system.connected","status":"connected","message":"TraceLLM websocket active"}"""u8.ToArray();

    public ReadOnlyMemory<byte>? Answer(JsonElement message)
    {
        if (message.Member("type") is not { ValueKind: JsonValueKind.String } type || !type.ValueEquals("ping")) return null;
        object? ts = message.Member("ts");
        return JsonSerializer.SerializeToUtf8Bytes(new { type = "system.pong", timestamp = ts }, TraceLlmAnswers.Json);
    }
}

/// <summary>Reads the traces that changed and words each once.</summary>
internal sealed class TraceLlmVoice(ServingModels models) : ILiveVoice
{
    public async Task<IReadOnlyList<LiveMessage>> SayAsync(LiveNews news, CancellationToken ct)
    {
        var created = news.Traces.Where(t => t.Created).Select(t => t.TraceId).ToHashSet(StringComparer.Ordinal);
        return [.. (await models.WholeTracesAsync(news.Project, [.. news.Traces.Select(t => t.TraceId)], ct)).Select(whole => new LiveMessage(
            news.Position,
            JsonSerializer.SerializeToUtf8Bytes(new
            {
                type = created.Contains(whole.Run.TraceId) ? "trace.created" : "trace.updated",
                trace = TraceLlmTrace.Of(whole),
                position = whole.Run.LastPosition,
            }, TraceLlmAnswers.Json)))];
    }
}
