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
        var http = context.HttpContext;
        var models = http.RequestServices.GetRequiredService<ServingModels>();
        if (http.Request.Headers["X-Min-Position"] is [{ } wanted])
        {
            if (!long.TryParse(wanted, NumberStyles.None, CultureInfo.InvariantCulture, out var position))
                throw new BadRequest("X-Min-Position", "X-Min-Position must be a position as X-Log-Position gave it.");
            foreach (var name in projections)
                await models.ReachAsync(name, new(position), Patience, http.RequestServices.GetRequiredService<TimeProvider>(), http.RequestAborted);
        }
        // Read before the query: the answer may hold more than it promises, never less.
        http.Response.Headers["X-Log-Position"] = projections.Min(name => models.Progress[name].Position).ToString();
        return await next(context);
    });

    /// <summary>Tells the writer where its last fact stands; it is durable.</summary>
    public static void Wrote(this HttpResponse response, IEnumerable<Outcome> outcomes)
    {
        var last = outcomes.Where(o => o.Refused is null).Select(o => o.Position).DefaultIfEmpty().Max();
        if (last > LogPosition.Start) response.Headers["X-Log-Position"] = last.ToString();
    }
}
