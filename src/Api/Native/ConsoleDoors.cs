using System.Security.Cryptography;
using Hindcast.Application.Projects;

namespace Hindcast.Api.Native;

/// <summary>
/// The web console: one page at <c>/</c> and everywhere under <c>/app</c>, its assets under names that change with their content, and who is
/// signed in. The page is open; what it shows comes through the same doors as everybody's.
/// </summary>
internal static class ConsoleDoors
{
    const string Absent = """
        <!doctype html><html lang="en"><meta charset="utf-8"><title>Hindcast</title>
        <h1>Hindcast</h1><p>This server was built without its console: Node.js 20.19 or newer and npm were not found. Install them and start it again with
        <code>dotnet run --project src/Api</code>. Everything else works: <a href="/docs">every door, described and tried out</a>, <a href="/health">health</a>.</p></html>
        """;

    /// <summary>The page, whatever it is asked to show: that is in the address, and the console's to read.</summary>
    public static IResult Page(HttpContext http)
    {
        var nonce = Convert.ToBase64String(RandomNumberGenerator.GetBytes(16));
        var headers = http.Response.Headers;
        headers.ContentSecurityPolicy =
            $"default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; font-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; "
            + "form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers.CacheControl = "no-cache";
        headers.Vary = "Accept";
        return Results.Content(http.RequestServices.GetRequiredService<ConsoleFiles>().PageWith(nonce) ?? Absent, "text/html; charset=utf-8");
    }

    /// <summary>A name says which content it is, so that it may be kept for good.</summary>
    public static IResult Asset(string file, HttpContext http, ConsoleFiles files)
    {
        if (files.Asset(file, http.Request.Headers.AcceptEncoding.ToString()) is not var (content, type, encoding))
            throw new Application.NotFound($"There is no '{file}' here.");
        var headers = http.Response.Headers;
        headers.CacheControl = "public, max-age=31536000, immutable";
        headers.XContentTypeOptions = "nosniff";
        headers.Vary = "Accept-Encoding";
        if (encoding is not null) headers.ContentEncoding = encoding;
        return Results.Stream(content, type);
    }

    /// <summary>
    /// Who is signed in, and which doors this server has: <c>{project_id, key_id, role, scopes, environment, version, doors}</c>; nobody is
    /// <c>{}</c>, an answer like any other, because asking it is how the console begins.
    /// </summary>
    public static IResult Session(HttpContext http, EndpointDataSource endpoints)
    {
        http.Response.Headers.CacheControl = "private, no-store";
        if (Access.Whoever(http) is not { } caller) return Results.Json(new { }, Envelope.Json);
        return Results.Json(new
        {
            project_id = caller.Project, key_id = caller.KeyId, role = caller.Role, scopes = ScopeNames.List(caller.Scopes), environment = caller.Environment,
            version = typeof(ConsoleDoors).Assembly.GetName().Version!.ToString(3),
            doors = endpoints.Endpoints.OfType<RouteEndpoint>()
                .SelectMany(d => d.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods.Select(m => $"{m} {d.RoutePattern.RawText}") ?? []).Distinct(),
        }, Envelope.Json);
    }
}
