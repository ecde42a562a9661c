using System.Reflection;

namespace Hindcast.Api.Native;

/// <summary>The API explorer at <c>/docs</c>: describes every door of <c>/openapi/v1.json</c> and tries it. No outside request.</summary>
internal static class DocsDoor
{
    static readonly Dictionary<string, string> Types = new(StringComparer.Ordinal)
    {
        ["docs.html"] = "text/html; charset=utf-8",
        ["docs.css"] = "text/css; charset=utf-8",
        ["docs.js"] = "text/javascript; charset=utf-8",
    };

    public static IResult Page(HttpContext http) => File("docs.html", http);

    public static IResult File(string file, HttpContext http)
    {
        if (!Types.TryGetValue(file, out var type) || Assembly.GetExecutingAssembly().GetManifestResourceStream(file) is not { } content)
            throw new Application.NotFound($"There is no '{file}' here.");
        http.Response.Headers.ContentSecurityPolicy =
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
        http.Response.Headers.XContentTypeOptions = "nosniff";
        return Results.Stream(content, type);
    }
}
