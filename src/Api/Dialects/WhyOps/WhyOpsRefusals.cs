namespace Hindcast.Api.Dialects.WhyOps;

/// <summary>How WhyOps words a no to a whole request: <c>{"error": message}</c>, and one text for every kind of missing key.</summary>
internal static class WhyOpsRefusals
{
    const string Unauthorized = "Unauthorized: Authentication required";

    public static Task RefuseAsync(HttpContext http, Refusal refusal) =>
        http.Response.WriteAsJsonAsync(new { error = Message(refusal) }, http.RequestAborted);

    /// <summary>The same where threads and agents are read: <c>{"success": false, "error": message}</c>. Who shows no key is told what all others are told.</summary>
    public static Task RefuseReadingAsync(HttpContext http, Refusal refusal) => refusal.Status == 401
        ? RefuseAsync(http, refusal)
        : http.Response.WriteAsJsonAsync(new { success = false, error = Message(refusal) }, http.RequestAborted);

    static string Message(Refusal refusal) => refusal.Status == 401 ? Unauthorized : refusal.Message;
}
