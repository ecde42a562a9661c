namespace Hindcast.Api.Dialects.Trops;

/// <summary>How TROPS words a no (contract 1.5): <c>{"error":{type, message, code}}</c>, as OpenAI's clients read it.</summary>
internal static class TropsRefusals
{
    public static Task RefuseAsync(HttpContext http, Refusal refusal)
    {
        var (type, code) = refusal.Status switch
        {
            401 => ("invalid_request_error", "invalid_api_key"),
            403 => ("invalid_request_error", "insufficient_permissions"),
            404 or 405 => ("invalid_request_error", "not_found"),
            429 => ("rate_limit_error", "rate_limit_exceeded"),
            < 500 => ("invalid_request_error", "invalid_request_error"),
            _ => ("api_error", refusal.Code.ToLowerInvariant()),
        };
        var message = refusal.Status == 401 ? "Invalid API key provided" : refusal.Message;
        return http.Response.WriteAsJsonAsync(new { error = new { type, message, code } }, http.RequestAborted);
    }
}
