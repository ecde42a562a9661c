using Hindcast.Application.Projects;

namespace Hindcast.Api.Dialects.WhyOps;

/// <summary>The doors the WhyOps SDKs and their users write through (WhyOps contract, 2.2 and 2.3).</summary>
internal static class WhyOpsRoutes
{
    public static void MapWhyOps(this IEndpointRouteBuilder app)
    {
        Door(app.MapPost("/api/events/ingest", WhyOpsEvents.IngestAsync), "WhyOpsIngest", "Write one event or an array of them");
        Door(app.MapPost("/api/events", WhyOpsEvents.SaveAsync), "WhyOpsSaveEvents", "Write events and get the id, step and span of each");
        Door(app.MapPost("/api/events/tool-result", WhyOpsEvents.SaveToolResultAsync), "WhyOpsSaveToolResult", "Write what a tool answered");
        Door(app.MapGet("/api/events/help", WhyOpsHelp.Get), "WhyOpsEventsHelp", "The event types, fields and rules, with examples");
        Door(app.MapPost("/api/entities/init", WhyOpsAgents.InitAsync), "WhyOpsInitAgent", "Register an agent, or a version of it");
        Door(app.MapPost("/v1/agents/init", WhyOpsAgents.InitAsync), "WhyOpsInitAgentByProxy", "The same, where the SDK's second attempt goes");
    }

    static void Door(RouteHandlerBuilder door, string name, string summary) =>
        door.Needs(Scopes.Ingest).RefusesAs(WhyOpsRefusals.RefuseAsync).WithName(name).WithSummary(summary).WithTags("WhyOps");

    /// <summary>
    /// Lets a doubled slash pass for one: the TypeScript SDK puts its paths behind a base URL as it was given, trailing slash and all
    /// (WhyOps contract, 1.1). Stands before whatever looks at the route, and starts the routing itself.
    /// </summary>
    public static void UseWhyOpsPaths(this WebApplication app)
    {
        app.Use((http, next) =>
        {
            if (http.Request.Path.Value is { } path && path.Contains("//", StringComparison.Ordinal) && SinglySlashed(path) is var one && Ours(one))
                http.Request.Path = one;
            return next(http);
        });
        app.UseRouting();
    }

    static bool Ours(string path) =>
        path.StartsWith("/api/events", StringComparison.Ordinal) || path is "/api/entities/init" or "/v1/agents/init";

    static string SinglySlashed(string path) => "/" + string.Join('/', path.Split('/', StringSplitOptions.RemoveEmptyEntries));
}
