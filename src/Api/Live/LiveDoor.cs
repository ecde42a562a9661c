using Hindcast.Api.Dialects.Observatory;
using Hindcast.Api.Dialects.TraceLlm;

namespace Hindcast.Api.Live;

/// <summary><c>/ws</c>, which two systems share: with <c>?token=</c> it speaks the Observatory's messages, without it TraceLLM's.</summary>
internal static class LiveDoor
{
    public static Task ServeAsync(HttpContext http, LiveSockets sockets, TraceLlmVoice traceLlm, ObservatoryVoice observatory) =>
        sockets.ServeAsync(http, http.Request.Query.ContainsKey("token") ? new ObservatorySocket(observatory) : new TraceLlmSocket(traceLlm));
}
