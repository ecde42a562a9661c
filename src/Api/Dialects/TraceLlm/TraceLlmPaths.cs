namespace Hindcast.Api.Dialects.TraceLlm;

/// <summary>TraceLLM's paths, which live under <c>/</c> and under <c>/api</c> alike.</summary>
internal static class TraceLlmPaths
{
    static readonly string[] s_nouns = ["traces", "analytics", "failures", "projects", "api-keys", "ws"];

    /// <summary>Both places of a path.</summary>
    public static IEnumerable<string> Twice(string path) => [path, $"/api{path}"];

    /// <summary>A slash too many: 307 to the path without it, as FastAPI does (contract 2.2). Stands before the routing, which would not mind it.</summary>
    public static void UseTraceLlmPaths(this WebApplication app) => app.Use((http, next) =>
    {
        if (http.Request.Path.Value is not { Length: > 1 } path || path[^1] != '/' || path.Contains("//", StringComparison.Ordinal) || !Owns(path)) return next(http);
        http.Response.StatusCode = StatusCodes.Status307TemporaryRedirect;
        // A path alone, whatever host the request names; a doubled slash in it would name one.
        http.Response.Headers.Location = new PathString(path.TrimEnd('/')).ToUriComponent() + http.Request.QueryString.ToUriComponent();
        return Task.CompletedTask;
    });

    /// <summary>A path whose refusals are this dialect's to word.</summary>
    public static bool Owns(string path)
    {
        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (parts is ["api", ..]) parts = parts[1..];
        return path == "/" || (parts is [var noun] ? s_nouns.Contains(noun) : parts is ["traces", _]);
    }
}
