using Hindcast.Application.Gateway;
using MediatR;

namespace Hindcast.Api.Native;

/// <summary>
/// <c>/api/v1/providers</c>: who serves models to a project. A key goes in and never comes out; what is shown are its last characters and its
/// fingerprint. <c>project_id</c> names another project, for administrators of the default one.
/// </summary>
internal static class ProviderDoors
{
    public static async Task<IResult> List(string? project_id, HttpContext http, IMediator app, CancellationToken ct) =>
        Results.Json((await app.Send(new ListProviders(http.Caller(), project_id), ct)).Select(ProviderJson.Of), Envelope.Json);

    /// <summary>201: <c>{slug, kind?, base_url, api_key, models?}</c>.</summary>
    public static Task<IResult> Create(HttpContext http, IMediator app, CancellationToken ct) => SaveAsync(null, http, app, StatusCodes.Status201Created, ct);

    /// <summary>What is not named stays. 409 when the address changes and the key does not come with it.</summary>
    public static Task<IResult> Change(string id, HttpContext http, IMediator app, CancellationToken ct) => SaveAsync(id, http, app, StatusCodes.Status200OK, ct);

    public static async Task<IResult> Delete(string id, string? project_id, HttpContext http, IMediator app, CancellationToken ct)
    {
        await app.Send(new DeleteProvider(http.Caller(), project_id, id), ct);
        return Results.NoContent();
    }

    /// <summary>200 <c>{success, status, message}</c>, whatever the provider says.</summary>
    public static async Task<IResult> Test(string id, string? project_id, HttpContext http, IMediator app, CancellationToken ct)
    {
        var (success, status, message) = await app.Send(new TestProvider(http.Caller(), project_id, id), ct);
        return Results.Json(new { success, status, message }, Envelope.Json);
    }

    /// <summary>200 <c>{rewrapped}</c>; the old key-encryption key opens nothing after it.</summary>
    public static async Task<IResult> Rewrap(HttpContext http, IMediator app, CancellationToken ct) =>
        Results.Json(new { rewrapped = await app.Send(new RewrapProviderKeys(http.Caller()), ct) }, Envelope.Json);

    static async Task<IResult> SaveAsync(string? id, HttpContext http, IMediator app, int status, CancellationToken ct)
    {
        var body = await KeyBody.ReadAsync(http, ct);
        var provider = await app.Send(
            new SaveProvider(http.Caller(), body.Text("project_id"), id)
            {
                Slug = body.Text("slug"), Kind = body.Text("kind"), BaseUrl = body.Text("base_url"), ApiKey = body.Text("api_key"), Models = body.Texts("models"),
            }, ct);
        return Results.Json(ProviderJson.Of(provider), Envelope.Json, statusCode: status);
    }
}

/// <summary>A provider as it is shown.</summary>
/// <param name="KeyFingerprint">The first eight bytes of the SHA-256 of the key.</param>
internal sealed record ProviderJson(
    string Id, string Slug, string Kind, string BaseUrl, IReadOnlyList<string> Models, string KeyLastFour, string KeyFingerprint, int KeyVersion,
    DateTime CreatedAt, DateTime UpdatedAt)
{
    public static ProviderJson Of(Provider p) =>
        new(p.Id, p.Slug, p.Kind.Name(), p.BaseUrl, p.Models, p.LastFour, p.Fingerprint, p.KeyVersion, p.Created.UtcDateTime, p.Updated.UtcDateTime);
}
