using System.Text.Json;
using Hindcast.Api.Dialects.Observatory;
using Hindcast.Application;
using Hindcast.Application.Search;
using Hindcast.Application.Views;
using MediatR;

namespace Hindcast.Api.Native;

/// <summary>
/// <c>/api/v1/views</c>: filters with a name. <c>{name, rows?: traces|spans, filter?, query?, columns?, sort_by?, sort_desc?}</c>: filter and order as a search of
/// those rows takes them, and refused as it refuses them; <c>query</c> is the filter as it was typed.
/// </summary>
internal static class ViewDoors
{
    /// <summary>Around a filter as deep as filters may be.</summary>
    const int Depth = 128;

    public static async Task<IResult> List(HttpContext http, IMediator app, CancellationToken ct) => Results.Json(
        new { data = (await app.Send(new ListViews(ObservatoryQuery.Reach(http.Caller(), http.Request.Query["project_id"])), ct)).Select(Shown) }, Envelope.Json);

    public static Task<IResult> Create(HttpContext http, IMediator app, TimeProvider clock, CancellationToken ct) =>
        SaveAsync(null, http, app, clock, StatusCodes.Status201Created, ct);

    /// <summary>The whole view; what is not named has its default.</summary>
    public static Task<IResult> Put(string id, HttpContext http, IMediator app, TimeProvider clock, CancellationToken ct) =>
        SaveAsync(id, http, app, clock, StatusCodes.Status200OK, ct);

    public static async Task<IResult> Delete(string id, HttpContext http, IMediator app, CancellationToken ct)
    {
        await app.Send(new DeleteView(http.Caller(), id), ct);
        return Results.NoContent();
    }

    static async Task<IResult> SaveAsync(string? id, HttpContext http, IMediator app, TimeProvider clock, int status, CancellationToken ct)
    {
        var body = await KeyBody.ReadAsync(http, ct, Depth);
        var rows = body.Text("rows") ?? "traces";
        Catalogue catalogue = rows switch
        {
            "traces" => RunCatalogue.Instance,
            "spans" => SpanCatalogue.Instance,
            _ => throw new BadRequest("rows", "rows must be traces or spans."),
        };
        var (filter, sortBy) = (body.Json("filter"), body.Text("sort_by") ?? "ts");
        if (filter is { } said) new ObservatoryFilter(catalogue, clock.GetUtcNow()).Read(said);
        catalogue.SortField(sortBy);
        var view = new SavedView
        {
            Id = "", Project = "", CreatedBy = "", Created = default, Updated = default,
            Name = body.Text("name") ?? throw new BadRequest("name", "name is required."), Rows = rows, Filter = filter?.GetRawText(), Query = body.Text("query"),
            Columns = body.Texts("columns") ?? [], SortBy = sortBy, SortDesc = body.Flag("sort_desc") ?? true,
        };
        return Results.Json(Shown(await app.Send(new SaveView(http.Caller(), body.Text("project_id"), id, view), ct)), Envelope.Json, statusCode: status);
    }

    static object Shown(SavedView view) => new
    {
        view.Id, ProjectId = view.Project, view.Name, view.Rows, Filter = view.Filter is { } json ? JsonDocument.Parse(json, new() { MaxDepth = Depth }).RootElement : (JsonElement?)null, view.Query,
        view.Columns, view.SortBy, view.SortDesc, view.CreatedBy, CreatedAt = view.Created.UtcDateTime, UpdatedAt = view.Updated.UtcDateTime,
    };
}
