using Hindcast.Api.Dialects.Observatory;
using Hindcast.Application;
using Hindcast.Application.Projects;
using Hindcast.Application.ReadModels;
using Hindcast.Application.TimeTravel;
using Microsoft.Extensions.Primitives;
using Microsoft.OpenApi;

namespace Hindcast.Api;

/// <summary>A door that answers for a time gone by.</summary>
/// <param name="Reach">The projects its answer may show (null: all there are); null where the door sees to <c>as_of</c> itself.</param>
public sealed record TakesAsOf(Func<HttpContext, IReadOnlyList<string>?>? Reach);

/// <summary>
/// <c>as_of</c> at the doors for reading: what a door would have answered then, from the facts recorded up to then. The handlers do not know: they
/// ask <see cref="ServingModels"/>, which shows them the past. A door that does not take it refuses it; to answer for now would be a lie.
/// </summary>
internal static class AsOf
{
    const string Name = "as_of";

    /// <param name="reach">The projects the answer may show; null: all there are.</param>
    public static RouteHandlerBuilder Travels(this RouteHandlerBuilder door, Func<HttpContext, IReadOnlyList<string>?> reach) => door.WithMetadata(new TakesAsOf(reach)).Takes(operation =>
        (operation.Parameters ??= []).Add(new OpenApiParameter
        {
            Name = Name,
            In = ParameterLocation.Query,
            Schema = new OpenApiSchema { Type = JsonSchemaType.String },
            Description = "The answer as it would have been at this time, from what was recorded up to then, by the server's clock: ISO 8601, now, or now-1h (s, m, h, d, w). 422 where more facts would have "
                + "to be folded than time_travel_facts of /limits, and for a time to come. What was erased since stays erased.",
        }));

    public static RouteHandlerBuilder TravelsItself(this RouteHandlerBuilder door) => door.WithMetadata(new TakesAsOf(null));

    /// <summary>The time that <c>now</c> and the last so many days are counted from.</summary>
    public static DateTimeOffset Now(this HttpContext http) => http.Past()?.AsOf ?? http.RequestServices.GetRequiredService<TimeProvider>().GetUtcNow();

    /// <summary>What this request sees instead of what serves; null: it asks about now.</summary>
    public static Past? Past(this HttpContext http) => http.RequestServices.GetRequiredService<ServingModels>().Past;

    public static void UseAsOf(this WebApplication app)
    {
        var (models, pasts, clock) = (app.Services.GetRequiredService<ServingModels>(), app.Services.GetRequiredService<Pasts>(), app.Services.GetRequiredService<TimeProvider>());
        app.Use((http, next) => http.Request.Query[Name] is [_, ..] said && http.GetEndpoint()?.Metadata is { } door
            && door.GetMetadata<DoorPolicy>() is { Scope: Scopes.Read } && door.GetMetadata<TakesAsOf>() is not { Reach: null }
                ? TravelAsync(http, said, door.GetMetadata<TakesAsOf>()?.Reach, next)
                : next(http));

        async Task TravelAsync(HttpContext http, StringValues said, Func<HttpContext, IReadOnlyList<string>?>? reach, RequestDelegate next)
        {
            if (reach is null) throw Refused("This door answers for now only: it takes no as_of");
            var now = clock.GetUtcNow();
            if (said is not [{ } text] || !ObservatoryTimes.TryParse(text, now, out var asOf)) throw Refused("as_of must be one ISO 8601 time, or one like now-1h");
            if (asOf > now) throw Refused("as_of lies in the future");
            using var past = models.Past = await pasts.VisitAsync(reach(http), asOf, http.RequestAborted);
            await next(http);
        }
    }

    static Unprocessable Refused(string why) => new(Name, why);
}
