using System.Text.Json;

namespace Hindcast.Api.Dialects.OpenAi;

/// <summary>How OpenAI words a no: <c>{"error":{type,message,code}}</c> (TROPS contract, 1.5).</summary>
internal static class OpenAiErrors
{
    const string Invalid = "invalid_request_error";

    public static Task RefuseAsync(HttpContext http, Refusal refusal)
    {
        var (type, code) = Named(refusal);
        // A month does not pass by trying again.
        if (code == "quota_exceeded") http.Response.Headers["x-should-retry"] = "false";
        return http.Response.WriteAsJsonAsync(new { error = new { type, message = refusal.Message, code } }, http.RequestAborted);
    }

    /// <summary>One event in the middle of a stream; no <c>[DONE]</c> comes after it.</summary>
    public static byte[] Event(string message) =>
        [.. "\n\ndata: "u8, .. JsonSerializer.SerializeToUtf8Bytes(new { error = new { type = "upstream_error", message, code = "upstream_error" } }), .. "\n\n"u8];

    static (string Type, string Code) Named(Refusal refusal) => (refusal.Status, refusal.Code) switch
    {
        (401, _) => (Invalid, "invalid_api_key"),
        (403, _) => (Invalid, "insufficient_permissions"),
        (_, "quota_exceeded") => ("insufficient_quota", "quota_exceeded"),
        (429, _) => ("rate_limit_error", "rate_limit_exceeded"),
        (_, "upstream_error") => ("upstream_error", "upstream_error"),
        (404, "model_not_found") => (Invalid, "model_not_found"),
        (404, _) => (Invalid, "not_found"),
        ( < 500, _) => (Invalid, Invalid),
        (_, var code) => ("server_error", code.ToLowerInvariant()),
    };
}
