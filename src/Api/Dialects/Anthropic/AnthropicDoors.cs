using Hindcast.Application.Gateway;

namespace Hindcast.Api.Dialects.Anthropic;

/// <summary>The doors of Anthropic's API: bodies and answers pass as they are, unknown members too.</summary>
internal static class AnthropicDoors
{
    public static Task MessagesAsync(HttpContext http, CancellationToken ct) => ModelCall.MakeAsync(http, Protocol.Messages, ct);

    public static async Task CountTokensAsync(HttpContext http, Routing routing, CancellationToken ct)
    {
        var form = await ModelCall.FormAsync(http, ct);
        var route = routing.Of(http.Caller().Project, form.Model);
        if (route.Provider.Kind != UpstreamKind.Anthropic) throw new ModelNotFound(form.Model);
        await ModelCall.AskAsync(http, Protocol.CountTokens, route.Provider, form.For(route.Model, withUsage: false), ct);
    }
}
