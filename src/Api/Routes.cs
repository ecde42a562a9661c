using Hindcast.Api.Dialects.Observatory;
using Hindcast.Api.Dialects.Trubrics;
using Hindcast.Api.Dialects.WhyOps;
using Hindcast.Api.Native;
using Hindcast.Application.Projects;

namespace Hindcast.Api;

/// <summary>Every door of the house, one line each.</summary>
internal static class Routes
{
    public static void MapRoutes(this WebApplication app)
    {
        // Is it there, and what can it do
        app.MapGet("/health", HealthDoors.Health).Open().WithTags("Health").WithSummary("Health in the Observatory's shape");
        app.MapGet("/health/live", HealthDoors.Live).Open().WithTags("Health").WithSummary("The process answers");
        app.MapGet("/health/ready", HealthDoors.Ready).Open().WithTags("Health").WithSummary("Projections have been at the head once since the start");
        app.MapGet("/limits", OperationDoors.Limits).Needs(Scopes.Read).WithTags("Operations").WithSummary("The limits in force");
        app.MapOpenApi("/openapi/{documentName}.json").Open();
        app.MapGet("/docs", DocsDoor.Page).Open().ExcludeFromDescription();
        app.MapGet("/docs/{file}", DocsDoor.File).Open().ExcludeFromDescription();

        // Writing
        app.MapNativeEvents();
        app.MapWhyOps();
        app.MapTrubrics();

        // Reading
        app.MapGet("/api/v1/traces", ListTraces.Handle).Needs(Scopes.Read).Reads("traces").WithTags("Traces").WithSummary("Spans by start, filtered (LLM Observatory)");
        app.MapGet("/api/v1/traces/{traceId}/tree", TraceDoors.Tree).Needs(Scopes.Read).Reads("traces").WithTags("Traces").WithSummary("A trace as a tree");
        app.MapGet("/api/v1/traces/{traceId}/timeline", TraceDoors.Timeline).Needs(Scopes.Read).Reads("traces").WithTags("Traces").WithSummary("The facts of a trace in the order they were recorded");
        app.MapGet("/api/v1/traces/{traceId}/state", TraceDoors.State).Needs(Scopes.Read).WithTags("Traces").WithSummary("The tree as it stood at a revision or a time");

        // Operating
        app.MapGet("/api/v1/projections", OperationDoors.Projections).Needs(Scopes.Read).WithTags("Operations").WithSummary("Where each projection stands");
        app.MapGet("/api/v1/projections/{name}/parked", OperationDoors.Parked).Needs(Scopes.Admin).WithTags("Operations").WithSummary("Facts a projection could not apply");
        app.MapPost("/api/v1/projections/{name}/parked/replay", OperationDoors.Replay).Needs(Scopes.Admin).WithTags("Operations").WithSummary("Apply parked facts again");
        app.MapKeyDoors();
    }
}
