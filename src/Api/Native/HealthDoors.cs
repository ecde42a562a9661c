using Hindcast.Application.EventSourcing;
using Hindcast.Application.ReadModels;

namespace Hindcast.Api.Native;

/// <summary><c>/health</c> in the Observatory's shape; <c>/health/live</c> and <c>/health/ready</c> answer 200 or 503 for orchestrators.</summary>
internal static class HealthDoors
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    public static async Task<IResult> Health(IEventLog log, ServingModels models, TimeProvider clock, CancellationToken ct)
    {
        var healthy = await Answers(log, ct) && models.Progress.Values.All(p => p.State != ProjectionState.Stopped);
        return Results.Json(
            new { status = healthy ? "healthy" : "degraded", database = healthy ? "healthy" : "unhealthy", redis = "healthy", timestamp = clock.GetUtcNow() },
            Envelope.Json, statusCode: healthy ? 200 : 503);
    }

    /// <summary>The process answers.</summary>
    public static IResult Live() => Results.Json(new { status = "live" }, Envelope.Json);

    /// <summary>Every projection has been at the head once since the start.</summary>
    public static IResult Ready(ServingModels models)
    {
        var waiting = models.Progress.Values.Where(p => !p.Ready).Select(p => p.Name).ToList();
        return Results.Json(new { status = waiting.Count == 0 ? "ready" : "starting", waiting_for = waiting }, Envelope.Json, statusCode: waiting.Count == 0 ? 200 : 503);
    }

    static async Task<bool> Answers(IEventLog log, CancellationToken ct)
    {
        try
        {
            await log.HeadAsync(ct).WaitAsync(Patience, ct);
            return true;
        }
        catch (Exception e) when (!ct.IsCancellationRequested && e is not OutOfMemoryException)
        {
            return false;
        }
    }
}
