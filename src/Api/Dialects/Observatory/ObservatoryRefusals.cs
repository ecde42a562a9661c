using Hindcast.Api.Native;

namespace Hindcast.Api.Dialects.Observatory;

/// <summary>Refusals in the contract's words (4.9): the seed's codes, and the finer ones of its source in <c>details</c>.</summary>
internal static class ObservatoryRefusals
{
    public static Task RefuseAsync(HttpContext http, Refusal refusal) => RefuseAsync(http, refusal, "read traces");

    /// <summary>The same for doors that are not about traces.</summary>
    /// <param name="doing">What somebody without the permission may not do.</param>
    public static RefusalForm To(string doing) => (http, refusal) => RefuseAsync(http, refusal, doing);

    static Task RefuseAsync(HttpContext http, Refusal refusal, string doing) => Envelope.RefuseAsync(http, refusal switch
    {
        { Status: 401 } => refusal with { Message = "Invalid or missing JWT token" },
        { Status: 403, Field: null } => refusal with { Message = $"Insufficient permissions to {doing}", Field = "INSUFFICIENT_PERMISSIONS" },
        { Status: 400 } => refusal with { Code = "BAD_REQUEST" },
        _ => refusal,
    });
}
