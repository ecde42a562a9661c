using Hindcast.Application.Gateway;

namespace Hindcast.Api.Dialects.OpenAi;

/// <summary>The doors of OpenAI's API (TROPS contract, 1.1): bodies and answers pass as they are, unknown members too.</summary>
internal static class OpenAiDoors
{
    public static Task ChatAsync(HttpContext http, CancellationToken ct) => ModelCall.MakeAsync(http, Protocol.Chat, ct);

    public static Task ResponsesAsync(HttpContext http, CancellationToken ct) => ModelCall.MakeAsync(http, Protocol.Responses, ct);

    public static Task EmbeddingsAsync(HttpContext http, CancellationToken ct) => ModelCall.MakeAsync(http, Protocol.Embeddings, ct);

    /// <summary>The list of the vendor whose client asks: only Anthropic's says which version of its API it means.</summary>
    public static Task ModelsAsync(HttpContext http, Routing routing, CancellationToken ct)
    {
        var kind = http.Request.Headers.ContainsKey("anthropic-version") ? UpstreamKind.Anthropic : UpstreamKind.OpenAi;
        return ModelCall.AskAsync(http, Protocol.Models, routing.Of(http.Caller().Project, kind), default, ct);
    }
}
