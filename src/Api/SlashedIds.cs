namespace Hindcast.Api;

/// <summary>
/// Ids are any text, a slash too: in a path it is written <c>%2F</c>, which the server leaves as it is, so that it does not part segments. Once
/// the door is found it is a slash again.
/// </summary>
internal static class SlashedIds
{
    public static void UseSlashedIds(this IApplicationBuilder app) => app.Use((http, next) =>
    {
        // The decoded path keeps nothing else encoded, so most requests end here.
        if (http.Request.Path.Value?.Contains("%2F", StringComparison.OrdinalIgnoreCase) != true) return next(http);
        foreach (var (name, value) in http.Request.RouteValues.ToList())
            if (value is string text && text.Contains("%2F", StringComparison.OrdinalIgnoreCase))
                http.Request.RouteValues[name] = text.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);
        return next(http);
    });
}
