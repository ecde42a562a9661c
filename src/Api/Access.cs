using Hindcast.Application;
using Hindcast.Application.Projects;
using Microsoft.Extensions.Options;

namespace Hindcast.Api;

/// <summary>Who may pass a door; every door carries one. <see cref="Scope"/> null: anybody.</summary>
/// <param name="Permission">What a token needs, where that is more exact than the scope; see <see cref="Permissions"/>.</param>
public sealed record DoorPolicy(Scopes? Scope, string? Permission = null);

/// <summary>A door that takes a token in its query string, because a browser's socket can send no header: <c>?token=</c>.</summary>
public sealed record TakesToken;

/// <summary>What a request was let in with, for those who ask again later: sockets live longer than keys.</summary>
public sealed record Credential(Func<Caller?> Find)
{
    /// <summary>Nothing was shown at all.</summary>
    public static readonly Credential None = new(() => null);
}

/// <summary>
/// Keys and tokens at the doors: deny by default. A door without a policy lets nobody in, and a test fails on it. A key comes in a header, else
/// in the cookie of <c>/app/login</c>; in open mode a caller without any is let in from this machine.
/// </summary>
internal static class Access
{
    public const string Cookie = "hindcast_key";

    /// <summary>Who comes without a key in open mode.</summary>
    static readonly Caller s_anybody = FirstStart.Operator("open");

    public static T Needs<T>(this T door, Scopes scope, string? permission = null) where T : IEndpointConventionBuilder => door.WithMetadata(new DoorPolicy(scope, permission));

    public static T Open<T>(this T door) where T : IEndpointConventionBuilder => door.WithMetadata(new DoorPolicy(null));

    public static T RefusesAs<T>(this T door, RefusalForm form) where T : IEndpointConventionBuilder => door.WithMetadata(form);

    /// <summary>The caller of a door that needs a scope.</summary>
    public static Caller Caller(this HttpContext http) =>
        http.Items[typeof(Caller)] as Caller ?? throw new InvalidOperationException("This door is open: it has no caller.");

    /// <summary>Who it is, whether they ask too often, and whether they may: in this order, so that a refusal says how often, too.</summary>
    public static void UseAccess(this WebApplication app)
    {
        var open = app.Services.GetService<IOptions<HindcastOptions>>()?.Value.Open ?? false;
        app.Use((http, next) =>
        {
            // What is no route of ours is the router's own "no such method": behind it is nothing.
            if (http.GetEndpoint() is RouteEndpoint door && door.Metadata.GetMetadata<DoorPolicy>() is not { Scope: null })
            {
                var credential = CredentialOf(http, open);
                (http.Items[typeof(Caller)], http.Items[typeof(Credential)]) = (credential.Find(), credential);
            }
            return next(http);
        });
        if (app.Services.GetService<RateLimits>() is { } limits) app.Use(limits.InvokeAsync);
        app.Use((http, next) =>
        {
            if (http.GetEndpoint() is RouteEndpoint door && (door.Metadata.GetMetadata<DoorPolicy>() ?? new(Scopes.Admin)) is { Scope: { } scope } policy)
            {
                var caller = http.Items[typeof(Caller)] as Caller ?? throw new Unauthenticated(ReferenceEquals(http.Items[typeof(Credential)], Credential.None));
                if (!caller.May(scope, policy.Permission)) throw new NotAllowed(scope.ToString().ToLowerInvariant());
            }
            return next(http);
        });
    }

    /// <summary>Who asks at a door that anybody may ask at; null: nobody the house knows.</summary>
    public static Caller? Whoever(HttpContext http) => CredentialOf(http, http.RequestServices.GetService<IOptions<HindcastOptions>>()?.Value.Open ?? false).Find();

    static Credential CredentialOf(HttpContext http, bool open)
    {
        var (request, services) = (http.Request, http.RequestServices);
        if (http.GetEndpoint()?.Metadata.GetMetadata<TakesToken>() is not null && request.Query["token"] is { Count: > 0 } tokens)
            return new(() => tokens is [{ } token] ? services.GetService<Tokens>()?.Find(token) : null);

        var keys = services.GetRequiredService<IKeyRing>();
        if (Shown(request) is var (key, bearer)) return new(() => keys.Find(key) ?? (bearer ? services.GetService<Tokens>()?.Find(key) : null));
        if (request.Cookies[Cookie] is { } kept) return new(SameSite.IsOurOwn(request) ? () => keys.Find(kept) ?? services.GetService<Tokens>()?.Find(kept) : () => null);
        return open && SameSite.IsLocal(http) ? new(() => s_anybody) : Credential.None;
    }

    /// <summary>Bearer first, else X-API-Key; null without either. Two of a kind are none: one of them would be ignored, and which one is a guess.</summary>
    static (string Text, bool Bearer)? Shown(HttpRequest request)
    {
        const string Bearer = "Bearer ";
        if (request.Headers.Authorization is { Count: > 0 } given)
            return given is [{ } one] && one.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) ? (one[Bearer.Length..].Trim(), true) : ("", false);
        return request.Headers["X-API-Key"] is { Count: > 0 } keys ? (keys is [{ } key] ? key.Trim() : "", false) : null;
    }
}
