using Hindcast.Application;
using Hindcast.Application.Projects;
using Microsoft.Extensions.Options;

namespace Hindcast.Api;

/// <summary>Who may pass a door; every door carries one. <see cref="Scope"/> null: anybody.</summary>
public sealed record DoorPolicy(Scopes? Scope);

/// <summary>Reads a token that stands for somebody. Registered by whoever issues such tokens.</summary>
public interface ITokenReader
{
    /// <summary>Null for a token that is malformed, expired, or not of ours: the caller is not told which.</summary>
    Caller? Find(string token);
}

/// <summary>A door that takes a token in its query string, because a browser's socket can send no header: <c>?token=</c>.</summary>
public sealed record TakesToken;

/// <summary>What a request was let in with, for those who ask again later: sockets live longer than keys.</summary>
public sealed record Credential(Func<Caller?> Find);

/// <summary>
/// Keys at the doors: deny by default. A door without a policy lets nobody in, and a test fails on it. A key comes in a header, else in the
/// cookie of <c>/app/login</c>; in open mode a caller without any is let in from this machine.
/// </summary>
internal static class Access
{
    public const string Cookie = "hindcast_key";

    /// <summary>Who comes without a key in open mode.</summary>
    static readonly Caller s_anybody = FirstStart.Operator("open");

    public static T Needs<T>(this T door, Scopes scope) where T : IEndpointConventionBuilder => door.WithMetadata(new DoorPolicy(scope));

    public static T Open<T>(this T door) where T : IEndpointConventionBuilder => door.WithMetadata(new DoorPolicy(null));

    public static T RefusesAs<T>(this T door, RefusalForm form) where T : IEndpointConventionBuilder => door.WithMetadata(form);

    /// <summary>The caller of a door that needs a scope.</summary>
    public static Caller Caller(this HttpContext http) =>
        http.Items[typeof(Caller)] as Caller ?? throw new InvalidOperationException("This door is open: it has no caller.");

    public static void UseAccess(this WebApplication app)
    {
        var open = app.Services.GetService<IOptions<HindcastOptions>>()?.Value.Open ?? false;
        app.Use((http, next) =>
        {
            // What is no route of ours is the router's own "no such method": behind it is nothing.
            if (http.GetEndpoint() is RouteEndpoint door && door.Metadata.GetMetadata<DoorPolicy>() is not { Scope: null })
            {
                var scope = door.Metadata.GetMetadata<DoorPolicy>()?.Scope ?? Scopes.Admin;
                var credential = CredentialOf(http, open);
                var caller = credential.Find() ?? throw new Unauthenticated();
                if (!caller.May(scope)) throw new NotAllowed(scope.ToString().ToLowerInvariant());
                (http.Items[typeof(Caller)], http.Items[typeof(Credential)]) = (caller, credential);
            }
            return next(http);
        });
    }

    static Credential CredentialOf(HttpContext http, bool open)
    {
        var request = http.Request;
        if (http.GetEndpoint()?.Metadata.GetMetadata<TakesToken>() is not null && request.Query["token"] is { Count: > 0 } tokens)
            return new(() => tokens is [{ } token] ? http.RequestServices.GetService<ITokenReader>()?.Find(token) : null);

        var keys = http.RequestServices.GetRequiredService<IKeyRing>();
        if (KeyOf(request) is { } key) return new(() => keys.Find(key));
        if (request.Cookies[Cookie] is { } kept) return new(SameSite.IsOurOwn(request) ? () => keys.Find(kept) : () => null);
        return new(open && SameSite.IsLocal(http) ? () => s_anybody : () => null);
    }

    /// <summary>Bearer first, else X-API-Key; null without either. Two of a kind are none: one of them would be ignored, and which one is a guess.</summary>
    static string? KeyOf(HttpRequest request)
    {
        const string Bearer = "Bearer ";
        if (request.Headers.Authorization is { Count: > 0 } given)
            return given is [{ } one] && one.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) ? one[Bearer.Length..].Trim() : "";
        return request.Headers["X-API-Key"] is { Count: > 0 } keys ? keys is [{ } key] ? key.Trim() : "" : null;
    }
}
