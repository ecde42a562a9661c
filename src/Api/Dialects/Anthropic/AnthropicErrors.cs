using System.Text.Json;

namespace Hindcast.Api.Dialects.Anthropic;

/// <summary>How Anthropic words a no: <c>{"type":"error","error":{type,message}}</c>.</summary>
internal static class AnthropicErrors
{
    public static Task RefuseAsync(HttpContext http, Refusal refusal)
    {
        if (refusal.Code == "quota_exceeded") http.Response.Headers["x-should-retry"] = "false";
        return http.Response.WriteAsJsonAsync(
            new { type = "error", error = new { type = TypeOf(refusal), message = refusal.Message } }, http.RequestAborted);
    }

    public static byte[] Event(string message) =>
        [.. "\n\nevent: error\ndata: "u8, .. JsonSerializer.SerializeToUtf8Bytes(new { type = "error", error = new { type = "api_error", message } }), .. "\n\n"u8];

    static string TypeOf(Refusal refusal) => refusal.Status switch
    {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        503 => "overloaded_error",
        504 => "timeout_error",
        >= 500 => "api_error",
        _ => "invalid_request_error",
    };
}
