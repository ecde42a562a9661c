using System.Globalization;
using Hindcast.Application;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.ReadModels;

namespace Hindcast.Api;

/// <summary>Positions at the doors: what an answer reflects, and waiting for one's own write.</summary>
internal static class Positions
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>
    /// The door reads projections: a request with <c>X-Min-Position: n</c> is answered once n can be read in all of them, else 503 with
    /// <c>Retry-After</c> after 5 s; the answer's <c>X-Log-Position</c> says how far it reaches.
    /// </summary>
    public static RouteHandlerBuilder Reads(this RouteHandlerBuilder door, params string[] projections) => door.AddEndpointFilter(async (context, next) =>
    {
        foreach (var projection in projections) await context.HttpContext.ReachAsync(projection, context.HttpContext.RequestAborted);
        return await next(context);
    });

    /// <summary>Waits for what the request wants to see; the answer reaches no further than the least of the projections it was made from.</summary>
    /// <exception cref="Unavailable">It cannot be read in time.</exception>
    public static async Task ReachAsync(this HttpContext http, string projection, CancellationToken ct)
    {
        var models = http.RequestServices.GetRequiredService<ServingModels>();
        if (models.Past is { } past)
        {
            // It was read from the log itself; who waits for what came later waits in vain.
            http.Response.Headers["X-Log-Position"] = past.Position.ToString();
            return;
        }
        if (http.MinPosition() is { } wanted) await models.ReachAsync(projection, new(wanted), Patience, http.RequestServices.GetRequiredService<TimeProvider>(), ct);
        // Read before the query: the answer may hold more than it promises, never less.
        var reached = models.Progress[projection].Position.Value;
        if (long.TryParse(http.Response.Headers["X-Log-Position"], NumberStyles.None, CultureInfo.InvariantCulture, out var other)) reached = Math.Min(reached, other);
        http.Response.Headers["X-Log-Position"] = reached.ToString(CultureInfo.InvariantCulture);
    }

    /// <summary><c>X-Min-Position</c>, when it was sent.</summary>
    public static long? MinPosition(this HttpContext http) => http.Request.Headers["X-Min-Position"] is not [{ } wanted] ? null
        : long.TryParse(wanted, NumberStyles.None, CultureInfo.InvariantCulture, out var position) ? position
        : throw new BadRequest("X-Min-Position", "X-Min-Position must be a position as X-Log-Position gave it.");

    /// <summary>Tells the writer where its last fact stands; it is durable.</summary>
    public static void Wrote(this HttpResponse response, IEnumerable<Outcome> outcomes)
    {
        var last = outcomes.Where(o => o.Refused is null).Select(o => o.Position).DefaultIfEmpty().Max();
        if (last > LogPosition.Start) response.Headers["X-Log-Position"] = last.ToString();
    }
}
