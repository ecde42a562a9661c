using Hindcast.Application;
using Hindcast.Application.Gateway;
using Hindcast.Domain.Gateway;
using MediatR;

namespace Hindcast.Api.Native;

/// <summary><c>/api/v1/policies/gateway</c>: how the calls of a project are treated.</summary>
internal static class PolicyDoors
{
    public static async Task<IResult> Get(string? project_id, HttpContext http, IMediator app, CancellationToken ct) =>
        Results.Json(await app.Send(new GetGatewayPolicy(http.Caller(), project_id), ct), Envelope.Json);

    /// <summary>The whole policy; what is not named has its default.</summary>
    public static async Task<IResult> Put(HttpContext http, IMediator app, CancellationToken ct)
    {
        var body = await KeyBody.ReadAsync(http, ct);
        var usual = GatewayPolicy.Default;
        var policy = new GatewayPolicy
        {
            Attempts = Figure("attempts", usual.Attempts),
            BackoffMs = Figure("backoff_ms", usual.BackoffMs),
            LongestBackoffMs = Figure("longest_backoff_ms", usual.LongestBackoffMs),
            Fallbacks = body.Texts("fallbacks") ?? usual.Fallbacks,
            Cache = body.Flag("cache") ?? usual.Cache,
            CacheTtlSeconds = Figure("cache_ttl_seconds", usual.CacheTtlSeconds),
            FailClosed = body.Flag("fail_closed") ?? usual.FailClosed,
        };
        await app.Send(new SetGatewayPolicy(http.Caller(), body.Text("project_id"), policy), ct);
        return Results.Json(policy, Envelope.Json);

        int Figure(string name, int otherwise) => body.Whole(name) is not { } value ? otherwise
            : value is >= 0 and <= int.MaxValue ? (int)value : throw new BadRequest(name, $"{name} is out of range.");
    }
}
