namespace Hindcast.Api.Dialects.WhyOps;

/// <summary>How WhyOps words a no to a whole request: <c>{"error": message}</c>, and one text for every kind of missing key.</summary>
internal static class WhyOpsRefusals
{
    const string Unauthorized = "Unauthorized: Authentication required";

    public static Task RefuseAsync(HttpContext http, Refusal refusal) =>
        http.Response.WriteAsJsonAsync(new { error = refusal.Status == 401 ? Unauthorized : refusal.Message }, http.RequestAborted);
}
