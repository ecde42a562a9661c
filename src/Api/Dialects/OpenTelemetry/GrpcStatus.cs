using System.Text;
using Google.Protobuf;
using Hindcast.Api.Dialects.OpenTelemetry.Wire;

namespace Hindcast.Api.Dialects.OpenTelemetry;

/// <summary>How gRPC says no, in the headers of an answer without a body; OTLP over HTTP sends the same status as its body.</summary>
internal static class GrpcStatus
{
    const int InvalidArgument = 3, PermissionDenied = 7, ResourceExhausted = 8, Unimplemented = 12, Internal = 13, Unavailable = 14, Unauthenticated = 16;

    public static bool IsCall(HttpRequest request) => request.ContentType?.StartsWith(GrpcDoors.ContentType, StringComparison.OrdinalIgnoreCase) == true;

    public static RpcStatus Of(Refusal refusal)
    {
        var status = new RpcStatus
        {
            Code = refusal.Status switch
            {
                401 => Unauthenticated,
                403 => PermissionDenied,
                404 or 405 or 415 => Unimplemented,
                413 or 429 => ResourceExhausted,
                503 or 408 => Unavailable,
                >= 500 => Internal,
                _ => InvalidArgument,
            },
            Message = refusal.Message,
        };
        // Only with this may a client send again what was too much.
        if (refusal.RetryAfter is { } wait)
            status.Details.Add(new RpcDetail
            {
                TypeUrl = "type.googleapis.com/google.rpc.RetryInfo", Value = new() { RetryDelay = new() { Seconds = (long)Math.Max(1, Math.Ceiling(wait.TotalSeconds)) } },
            });
        return status;
    }

    public static Task RefuseAsync(HttpContext http, Refusal refusal)
    {
        var (status, headers) = (Of(refusal), http.Response.Headers);
        http.Response.StatusCode = StatusCodes.Status200OK;
        http.Response.ContentType = GrpcDoors.ContentType;
        headers["grpc-status"] = $"{status.Code}";
        headers["grpc-message"] = Escaped(status.Message);
        headers["grpc-status-details-bin"] = Convert.ToBase64String(status.ToByteArray());
        headers["grpc-accept-encoding"] = "identity,gzip";
        return Task.CompletedTask;
    }

    /// <summary>Printable ASCII as it is, all else percent-encoded, by the protocol.</summary>
    static string Escaped(string message)
    {
        var escaped = new StringBuilder();
        foreach (var b in Encoding.UTF8.GetBytes(message))
            _ = b is >= 0x20 and <= 0x7E and not (byte)'%' ? escaped.Append((char)b) : escaped.Append($"%{b:X2}");
        return escaped.ToString();
    }
}
