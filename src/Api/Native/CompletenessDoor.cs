using Hindcast.Application;
using Hindcast.Application.Intake;
using Hindcast.Application.ReadModels;
using MediatR;
using Microsoft.OpenApi;

namespace Hindcast.Api.Native;

/// <summary><c>GET /api/v1/completeness</c>: what each source, a dialect and a key, sent, and what became of it (<c>native.md</c>).</summary>
/// <remarks>
/// Two ledgers that are kept apart, so that one can be held against the other. The doors': <c>received</c> = <c>acknowledged</c> + <c>duplicate</c> +
/// <c>refused</c> + <c>failed</c> + <c>dropped</c>, in events, where an element that makes several counts as several, and one that makes none as one;
/// <c>refused_requests</c> were refused before anybody knew what they held. The log's: <c>stored</c> = <c>projected</c> + <c>repeated</c> +
/// <c>parked</c> + <c>pending</c>. Fewer stored than acknowledged would be a loss; more are what another node took, what stood there before
/// <c>counted_from</c>, or what a process counted in its last second before it was killed, and <c>gaps</c> says when that was. <c>missing</c> and <c>uncounted</c> name the two.
/// </remarks>
internal static class CompletenessDoor
{
    static readonly TimeSpan s_asked = TimeSpan.FromDays(1);

    /// <summary><c>from</c> (a day before <c>to</c>) is in it, <c>to</c> (now) is not; both are widened to whole minutes.</summary>
    public static async Task<IResult> Get(HttpContext http, IMediator app, TimeProvider clock, CancellationToken ct)
    {
        var given = new QueryValues(http.Request.Query);
        var to = Believed(given.Moment("to") ?? clock.GetUtcNow(), "to");
        var from = Believed(given.Moment("from") ?? to - s_asked, "from");
        if (from >= to) throw new BadRequest("to", "to must lie after from");
        var found = await app.Send(new GetCompleteness(http.Caller(), from, to), ct);
        return Results.Json(new
        {
            From = found.From.UtcDateTime,
            To = found.To.UtcDateTime,
            CountedFrom = found.CountedFrom.UtcDateTime,
            CountedUntil = found.CountedUntil.UtcDateTime,
            Gaps = found.Gaps.Select(gap => new { From = gap.From.UtcDateTime, To = gap.To.UtcDateTime }),
            Position = found.Position.Value,
            found.LagEvents,
            Sources = found.Sources.Select(s => new
            {
                ProjectId = s.Project, Dialect = TextOf(s.Dialect), KeyId = TextOf(s.KeyId),
                s.Received, s.Acknowledged, s.Stored, s.Duplicate, s.Refused, s.Failed, s.Dropped, s.RefusedRequests, s.Projected, s.Repeated, s.Parked, s.Pending,
                Missing = s.Stored is null ? null : (long?)Math.Max(0, s.Acknowledged - s.Stored.Value),
                Uncounted = s.Stored is null ? null : (long?)Math.Max(0, s.Stored.Value - s.Acknowledged),
            }),
        }, Envelope.Json);
    }

    public static void Describe(OpenApiOperation operation)
    {
        operation.Parameters ??= [];
        foreach (var (name, says) in ((string, string)[])[("from", "The first minute in it, ISO 8601; a day before to without it"), ("to", "The first moment after it; now without it")])
            operation.Parameters.Add(new OpenApiParameter { Name = name, In = ParameterLocation.Query, Description = says, Schema = new OpenApiSchema { Type = JsonSchemaType.String } });
    }

    static string? TextOf(string name) => name.Length == 0 ? null : name;

    static DateTimeOffset Believed(DateTimeOffset time, string name) =>
        time >= Time.At(Time.Earliest) && time <= Time.At(Time.Latest) ? time : throw new BadRequest(name, $"{name} lies before 1970 or after 2169");
}
