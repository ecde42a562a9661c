using Hindcast.Application.Projects;

namespace Hindcast.Api;

/// <summary>Who may pass a door; every door carries one. <see cref="Scope"/> null: anybody.</summary>
public sealed record DoorPolicy(Scopes? Scope);

/// <summary>Keys at the doors: deny by default. A door without a policy lets nobody in, and a test fails on it.</summary>
internal static class Access
{
    public static T Needs<T>(this T door, Scopes scope) where T : IEndpointConventionBuilder => door.WithMetadata(new DoorPolicy(scope));

    public static T Open<T>(this T door) where T : IEndpointConventionBuilder => door.WithMetadata(new DoorPolicy(null));

    public static T RefusesAs<T>(this T door, RefusalForm form) where T : IEndpointConventionBuilder => door.WithMetadata(form);

    /// <summary>The caller of a door that needs a scope.</summary>
    public static Caller Caller(this HttpContext http) =>
        http.Items[typeof(Caller)] as Caller ?? throw new InvalidOperationException("This door is open: it has no caller.");

    public static void UseAccess(this WebApplication app) => app.Use((http, next) =>
    {
        if (http.GetEndpoint() is { } door && door.Metadata.GetMetadata<DoorPolicy>() is not { Scope: null })
        {
            var scope = door.Metadata.GetMetadata<DoorPolicy>()?.Scope ?? Scopes.Admin;
            var caller = http.RequestServices.GetRequiredService<IKeyRing>().Find(KeyOf(http.Request)) ?? throw new Unauthenticated();
            if (!caller.May(scope)) throw new NotAllowed(scope.ToString().ToLowerInvariant());
            http.Items[typeof(Caller)] = caller;
        }
        return next(http);
    });

    /// <summary>Bearer first, else X-API-Key. Two of a kind are none: one of them would be ignored, and which one is a guess.</summary>
    static string KeyOf(HttpRequest request)
    {
        const string Bearer = "Bearer ";
        if (request.Headers.Authorization is { Count: > 0 } given)
            return given is [{ } one] && one.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) ? one[Bearer.Length..].Trim() : "";
        return request.Headers["X-API-Key"] is [{ } key] ? key.Trim() : "";
    }
}
