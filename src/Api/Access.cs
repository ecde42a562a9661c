using Hindcast.Application.Projects;

namespace Hindcast.Api;

/// <summary>Who may pass a door; every door carries one. <see cref="Scope"/> null: anybody.</summary>
/// <param name="Permission">What a token needs, where that is more exact than the scope; see <see cref="Permissions"/>.</param>
public sealed record DoorPolicy(Scopes? Scope, string? Permission = null);

/// <summary>Keys and tokens at the doors: deny by default. A door without a policy lets nobody in, and a test fails on it.</summary>
internal static class Access
{
    public static T Needs<T>(this T door, Scopes scope, string? permission = null) where T : IEndpointConventionBuilder => door.WithMetadata(new DoorPolicy(scope, permission));

    public static T Open<T>(this T door) where T : IEndpointConventionBuilder => door.WithMetadata(new DoorPolicy(null));

    public static T RefusesAs<T>(this T door, RefusalForm form) where T : IEndpointConventionBuilder => door.WithMetadata(form);

    /// <summary>The caller of a door that needs a scope.</summary>
    public static Caller Caller(this HttpContext http) =>
        http.Items[typeof(Caller)] as Caller ?? throw new InvalidOperationException("This door is open: it has no caller.");

    /// <summary>Who it is, whether they ask too often, and whether they may: in this order, so that a refusal says how often, too.</summary>
    public static void UseAccess(this WebApplication app)
    {
        app.Use((http, next) =>
        {
            if (http.GetEndpoint()?.Metadata.GetMetadata<DoorPolicy>() is not { Scope: null } && Find(http) is { } caller) http.Items[typeof(Caller)] = caller;
            return next(http);
        });
        if (app.Services.GetService<RateLimits>() is { } limits) app.Use(limits.InvokeAsync);
        app.Use((http, next) =>
        {
            if (http.GetEndpoint() is { } door && (door.Metadata.GetMetadata<DoorPolicy>() ?? new(Scopes.Admin)) is { Scope: { } scope } policy)
            {
                var caller = http.Items[typeof(Caller)] as Caller ?? throw new Unauthenticated(Shown(http.Request).Text.Length == 0);
                if (!caller.May(scope, policy.Permission)) throw new NotAllowed(scope.ToString().ToLowerInvariant());
            }
            return next(http);
        });
    }

    static Caller? Find(HttpContext http)
    {
        var (text, bearer) = Shown(http.Request);
        if (text.Length == 0) return null;
        return http.RequestServices.GetRequiredService<IKeyRing>().Find(text) ?? (bearer ? http.RequestServices.GetService<Tokens>()?.Find(text) : null);
    }

    /// <summary>Bearer first, else X-API-Key. Two of a kind are none: one of them would be ignored, and which one is a guess.</summary>
    static (string Text, bool Bearer) Shown(HttpRequest request)
    {
        const string Bearer = "Bearer ";
        if (request.Headers.Authorization is { Count: > 0 } given)
            return given is [{ } one] && one.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) ? (one[Bearer.Length..].Trim(), true) : ("", true);
        return request.Headers["X-API-Key"] is [{ } key] ? (key.Trim(), false) : ("", false);
    }
}
