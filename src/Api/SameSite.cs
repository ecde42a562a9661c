using System.Net;

namespace Hindcast.Api;

/// <summary>
/// Whether a request comes from where it says. A browser adds a cookie by itself, and reaches this machine for any page it shows: what such
/// a request may do hangs on the page it comes from, which browsers name in headers that pages cannot set.
/// </summary>
internal static class SameSite
{
    /// <summary>A request that a cookie speaks for: reading, or from a page of this origin.</summary>
    public static bool IsOurOwn(HttpRequest request) =>
        Names(request) ?? (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method)) && !IsUpgrade(request);

    /// <summary>A request without any key in open mode: on a loopback address, under a loopback name, and not from somebody else's page.</summary>
    public static bool IsLocal(HttpContext http) =>
        IsLoopback(http.Connection.LocalIpAddress) && IsLoopback(http.Connection.RemoteIpAddress)
        && (http.Request.Host.Host is "localhost" || (IPAddress.TryParse(http.Request.Host.Host.Trim('[', ']'), out var named) && IPAddress.IsLoopback(named)))
        && (Names(http.Request) ?? true);

    /// <summary>An origin that may open a socket: none at all (no browser), our own, or one of the list.</summary>
    public static bool MayOpen(HttpRequest request, IReadOnlyCollection<string> origins) =>
        request.Headers.Origin is not { Count: > 0 } given || (given is [{ } origin] && (IsOrigin(request, origin) || origins.Contains(origin, StringComparer.OrdinalIgnoreCase)));

    /// <summary>What the browser says: the page's origin is ours; null when nobody says anything.</summary>
    static bool? Names(HttpRequest request)
    {
        if (request.Headers.Origin is { Count: > 0 } given) return given is [{ } origin] && IsOrigin(request, origin);
        return request.Headers["Sec-Fetch-Site"] is [{ } site] ? site is "same-origin" || (site is "none" && HttpMethods.IsGet(request.Method)) : null;
    }

    static bool IsOrigin(HttpRequest request, string origin) => string.Equals(origin, $"{request.Scheme}://{request.Host}", StringComparison.OrdinalIgnoreCase);

    static bool IsUpgrade(HttpRequest request) => request.Headers.Upgrade.Count > 0;

    static bool IsLoopback(IPAddress? address) => address is not null && IPAddress.IsLoopback(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address);
}
