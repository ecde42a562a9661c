using Hindcast.Api.Dialects.Observatory;
using Hindcast.Api.Dialects.TraceLlm;
using Hindcast.Api.Dialects.Trubrics;
using Hindcast.Api.Dialects.WhyOps;
using Hindcast.Api.Live;
using Hindcast.Api.Native;
using Hindcast.Application.Projects;

namespace Hindcast.Api;

/// <summary>Every door of the house, one line each; <c>docs/map.md</c> names the file behind it.</summary>
internal static class Routes
{
    public static void MapRoutes(this WebApplication app)
    {
        app.MapHealth();
        app.MapIngestion();
        app.MapReading();
        app.MapTraceLlm();
        app.MapOperations();
    }

    static void MapHealth(this WebApplication app)
    {
        app.MapGet("/health", HealthDoors.Health).Open().Says("Health", "Health in the Observatory's shape");
        app.MapGet("/health/live", HealthDoors.Live).Open().Says("Health", "The process answers");
        app.MapGet("/health/ready", HealthDoors.Ready).Open().Says("Health", "Projections have been at the head once since the start");
        app.MapOpenApi("/openapi/{documentName}.json").Open();
        app.MapGet("/docs", DocsDoor.Page).Open().ExcludeFromDescription();
        app.MapGet("/docs/{file}", DocsDoor.File).Open().ExcludeFromDescription();
    }

    public static void MapIngestion(this IEndpointRouteBuilder app)
    {
        app.MapPost("/api/v1/events", EventDoor.PostAsync).Takes(Envelope.RefuseAsync).Says("Ingestion", "Write events: an array, one object, or NDJSON; answered per element, durable when answered");

        app.MapPost("/api/events/ingest", WhyOpsEvents.IngestAsync).Takes(WhyOpsRefusals.RefuseAsync).Says("WhyOps", "Write one event or an array of them");
        app.MapPost("/api/events", WhyOpsEvents.SaveAsync).Takes(WhyOpsRefusals.RefuseAsync).Says("WhyOps", "Write events and get the id, step and span of each");
        app.MapPost("/api/events/tool-result", WhyOpsEvents.SaveToolResultAsync).Takes(WhyOpsRefusals.RefuseAsync).Says("WhyOps", "Write what a tool answered");
        app.MapGet("/api/events/help", WhyOpsHelp.Get).Takes(WhyOpsRefusals.RefuseAsync).Says("WhyOps", "The event types, fields and rules, with examples");
        app.MapPost("/api/entities/init", WhyOpsAgents.InitAsync).Takes(WhyOpsRefusals.RefuseAsync).Says("WhyOps", "Register an agent, or a version of it");
        app.MapPost("/v1/agents/init", WhyOpsAgents.InitAsync).Takes(WhyOpsRefusals.RefuseAsync).Says("WhyOps", "The same, where the SDK's second attempt goes");

        foreach (var path in TraceLlmPaths.Twice("/traces"))
            app.MapPost(path, TraceLlmIngest.PostAsync).RefusesInvalid().Takes(TraceLlmAnswers.RefuseAsync).Says("TraceLLM", "Save one trace or up to 100; a trace_id that is known is replaced");

        app.MapPost("/api/ingestion/publish_events", TrubricsDoors.PublishEventsAsync).Takes(TrubricsDoors.RefuseAsync).Says("Trubrics", "Write up to 100 product events");
        app.MapPost("/api/ingestion/publish_llm_events", TrubricsDoors.PublishLlmEventsAsync).Takes(TrubricsDoors.RefuseAsync).Says("Trubrics", "Write up to 100 prompts with their generations");
    }

    static void MapReading(this WebApplication app)
    {
        app.MapGet("/api/v1/traces", ListTraces.Handle).Needs(Scopes.Read).Reads("traces").Says("Traces", "Spans by start, filtered (LLM Observatory)");
        app.MapGet("/api/v1/traces/{traceId}/tree", TraceDoors.Tree).Needs(Scopes.Read).Reads("traces").Says("Traces", "A trace as a tree");
        app.MapGet("/api/v1/traces/{traceId}/timeline", TraceDoors.Timeline).Needs(Scopes.Read).Reads("traces").Says("Traces", "The facts of a trace in the order they were recorded");
        app.MapGet("/api/v1/traces/{traceId}/state", TraceDoors.State).Needs(Scopes.Read).Says("Traces", "The tree as it stood at a revision or a time");
    }

    static void MapTraceLlm(this WebApplication app)
    {
        app.MapGet("/", TraceLlmReads.Root).Open().RefusesAs(TraceLlmAnswers.RefuseAsync).Says("TraceLLM", "The server runs");
        foreach (var at in (string[])["", "/api"])
        {
            app.MapGet($"{at}/traces", TraceLlmReads.List).AsTraceLlm(Scopes.Read).Reads("traces").Says("TraceLLM", "Whole traces, newest first, filtered; total counts all that match");
            app.MapGet($"{at}/traces/{{traceId}}", TraceLlmReads.Get).AsTraceLlm(Scopes.Read).Reads("traces").Says("TraceLLM", "One trace");
            app.MapGet($"{at}/analytics", TraceLlmReads.Analytics).AsTraceLlm(Scopes.Read).Reads("traces").Says("TraceLLM", "What the traces add up to");
            app.MapGet($"{at}/failures", TraceLlmReads.Failures).AsTraceLlm(Scopes.Read).Reads("traces").Says("TraceLLM", "Failed, retried and slow traces");
            app.MapGet($"{at}/projects", TraceLlmProjects.List).AsTraceLlm(Scopes.Read).Says("TraceLLM", "Projects, oldest first");
            app.MapPost($"{at}/projects", TraceLlmProjects.Create).AsTraceLlm(Scopes.Admin).Says("TraceLLM", "Make a project, with its first key, which is shown once");
            app.MapGet($"{at}/api-keys", TraceLlmProjects.Keys).AsTraceLlm(Scopes.Admin).Says("TraceLLM", "Keys, masked, newest first");
            app.MapGet($"{at}/ws", LiveDoor.ServeAsync).AsTraceLlm(Scopes.Read).WithMetadata(new TakesToken()).ExcludeFromDescription();
        }
    }

    static RouteHandlerBuilder AsTraceLlm(this RouteHandlerBuilder door, Scopes scope) => door.Needs(scope).RefusesAs(TraceLlmAnswers.RefuseAsync).RefusesInvalid();

    static void MapOperations(this WebApplication app)
    {
        app.MapGet("/limits", OperationDoors.Limits).Needs(Scopes.Read).Says("Operations", "The limits in force");
        app.MapGet("/api/v1/projections", OperationDoors.Projections).Needs(Scopes.Read).Says("Operations", "Where each projection stands");
        app.MapPost("/api/v1/projections/{name}/rebuild", OperationDoors.Rebuild).Needs(Scopes.Admin).Says("Operations", "Build a projection again from the log, beside the one that serves");
        app.MapGet("/api/v1/projections/{name}/parked", OperationDoors.Parked).Needs(Scopes.Admin).Says("Operations", "Facts a projection could not apply");
        app.MapPost("/api/v1/projections/{name}/parked/replay", OperationDoors.Replay).Needs(Scopes.Admin).Says("Operations", "Apply parked facts again");

        app.MapPost("/app/login", LoginDoors.Login).Open().Says("Keys", "Sign in a browser: a key for a cookie");
        app.MapPost("/app/logout", LoginDoors.Logout).Open().Says("Keys", "Sign it out");
        app.MapGet("/api/v1/keys", KeyDoors.List).Needs(Scopes.Admin).Says("Keys", "Keys, masked, newest first; project_id narrows them");
        app.MapPost("/api/v1/keys", KeyDoors.Create).Needs(Scopes.Admin).Says("Keys", "Issue a key; its text is in this answer and nowhere else");
        app.MapPost("/api/v1/keys/{id}/rotate", KeyDoors.Rotate).Needs(Scopes.Admin).Says("Keys", "Issue a key in place of another, which works on for overlap_hours (24)");
        app.MapDelete("/api/v1/keys/{id}", KeyDoors.Revoke).Needs(Scopes.Admin).Says("Keys", "End a key at once");
    }

    /// <summary>A door for writing: needs the scope, may be used from any page, and refuses in its dialect's form.</summary>
    static RouteHandlerBuilder Takes(this RouteHandlerBuilder door, RefusalForm form) => door.Needs(Scopes.Ingest).RefusesAs(form).FromAnyOrigin();

    static RouteHandlerBuilder Says(this RouteHandlerBuilder door, string tag, string summary) => door.WithTags(tag).WithSummary(summary);
}
