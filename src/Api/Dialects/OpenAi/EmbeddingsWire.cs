using System.Text.Json;
using Hindcast.Application.Gateway;

namespace Hindcast.Api.Dialects.OpenAi;

/// <summary>Embeddings: how many, how long, and what they used; the numbers themselves are not recorded.</summary>
internal sealed class EmbeddingsWire : IWire
{
    public Protocol Protocol => Protocol.Embeddings;

    public bool EndsWithToolResult(JsonElement request) => false;

    public IAnswerReader Read() => new Reader();

    public IStreamRewrite? WithoutUsage() => null;

    public byte[] BrokenOff(string message) => OpenAiErrors.Event(message);

    sealed class Reader : IAnswerReader
    {
        const int BytesOfAFloat = 4;

        public Answer Answer { get; } = new();

        public void TakeBody(JsonElement body)
        {
            Answer.Model = body.Said("model");
            Answer.Error = body.ErrorOf();
            OpenAiUsage.Read(body, Answer);
            if (body.Member("data") is not { ValueKind: JsonValueKind.Array } data) return;
            Answer.Finished = true;
            Answer.Embeddings = data.GetArrayLength();
            if (Answer.Embeddings > 0) Answer.Dimensions = data[0].Member("embedding") switch
            {
                { ValueKind: JsonValueKind.Array } numbers => numbers.GetArrayLength(),
                { ValueKind: JsonValueKind.String } base64 when base64.TryGetBytesFromBase64(out var bytes) => bytes.Length / BytesOfAFloat,
                _ => null,
            };
        }

        public void TakeEvent(string? name, JsonElement data) => TakeBody(data);
    }
}
