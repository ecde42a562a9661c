using Hindcast.Application.ReadModels;

namespace Hindcast.Api.Dialects.WhyOps;

/// <summary><c>GET /api/health</c> and <c>/api/health/ready</c>, for anybody.</summary>
internal static class WhyOpsHealth
{
    public static IResult Get(TimeProvider clock) => WhyOpsAnswers.Json(200, new { status = "ok", timestamp = clock.GetUtcNow().UtcDateTime });

    /// <summary>503 until what was recorded before the start can be read.</summary>
    public static IResult Ready(ServingModels models, TimeProvider clock)
    {
        var ready = models.Progress.Values.All(p => p.Ready);
        return WhyOpsAnswers.Json(ready ? 200 : 503, new { status = ready ? "ready" : "starting", timestamp = clock.GetUtcNow().UtcDateTime });
    }
}
