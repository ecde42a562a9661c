using Hindcast.Api.Dialects.Anthropic;
using Hindcast.Api.Dialects.Observatory;
using Hindcast.Api.Dialects.OpenAi;
using Hindcast.Api.Dialects.Trubrics;
using Hindcast.Api.Dialects.WhyOps;
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
        app.MapCalls();
        app.MapReading();
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

        app.MapPost("/api/ingestion/publish_events", TrubricsDoors.PublishEventsAsync).Takes(TrubricsDoors.RefuseAsync).Says("Trubrics", "Write up to 100 product events");
        app.MapPost("/api/ingestion/publish_llm_events", TrubricsDoors.PublishLlmEventsAsync).Takes(TrubricsDoors.RefuseAsync).Says("Trubrics", "Write up to 100 prompts with their generations");
    }

    /// <summary>Models through the gateway. Clients put the version into their base address or into their paths, so each door has both.</summary>
    public static void MapCalls(this IEndpointRouteBuilder app)
    {
        foreach (var version in (ReadOnlySpan<string>)["/v1", ""])
        {
            app.MapPost(version + "/chat/completions", OpenAiDoors.ChatAsync).Calls(OpenAiErrors.RefuseAsync).Says("Gateway", "Chat completions, by OpenAI or, translated, by Anthropic");
            app.MapPost(version + "/responses", OpenAiDoors.ResponsesAsync).Calls(OpenAiErrors.RefuseAsync).Says("Gateway", "Responses (OpenAI)");
            app.MapPost(version + "/embeddings", OpenAiDoors.EmbeddingsAsync).Calls(OpenAiErrors.RefuseAsync).Says("Gateway", "Embeddings (OpenAI)");
            app.MapGet(version + "/models", OpenAiDoors.ModelsAsync).Calls(OpenAiErrors.RefuseAsync).Says("Gateway", "The models of a provider");
            app.MapPost(version + "/messages", AnthropicDoors.MessagesAsync).Calls(AnthropicErrors.RefuseAsync).Says("Gateway", "Messages, by Anthropic or, translated, by OpenAI");
            app.MapPost(version + "/messages/count_tokens", AnthropicDoors.CountTokensAsync).Calls(AnthropicErrors.RefuseAsync).Says("Gateway", "What messages would use (Anthropic)");
        }
    }

    static void MapReading(this WebApplication app)
    {
        app.MapGet("/api/v1/traces", ListTraces.Handle).Needs(Scopes.Read).Reads("traces").Says("Traces", "Spans by start, filtered (LLM Observatory)");
        app.MapGet("/api/v1/traces/{traceId}/tree", TraceDoors.Tree).Needs(Scopes.Read).Reads("traces").Says("Traces", "A trace as a tree");
        app.MapGet("/api/v1/traces/{traceId}/timeline", TraceDoors.Timeline).Needs(Scopes.Read).Reads("traces").Says("Traces", "The facts of a trace in the order they were recorded");
        app.MapGet("/api/v1/traces/{traceId}/state", TraceDoors.State).Needs(Scopes.Read).Says("Traces", "The tree as it stood at a revision or a time");
    }

    static void MapOperations(this WebApplication app)
    {
        app.MapGet("/limits", OperationDoors.Limits).Needs(Scopes.Read).Says("Operations", "The limits in force");
        app.MapGet("/api/v1/projections", OperationDoors.Projections).Needs(Scopes.Read).Says("Operations", "Where each projection stands");
        app.MapPost("/api/v1/projections/{name}/rebuild", OperationDoors.Rebuild).Needs(Scopes.Admin).Says("Operations", "Build a projection again from the log, beside the one that serves");
        app.MapGet("/api/v1/projections/{name}/parked", OperationDoors.Parked).Needs(Scopes.Admin).Says("Operations", "Facts a projection could not apply");
        app.MapPost("/api/v1/projections/{name}/parked/replay", OperationDoors.Replay).Needs(Scopes.Admin).Says("Operations", "Apply parked facts again");

        app.MapGet("/api/v1/keys", KeyDoors.List).Needs(Scopes.Admin).Says("Keys", "Keys, masked, newest first; project_id narrows them");
        app.MapPost("/api/v1/keys", KeyDoors.Create).Needs(Scopes.Admin).Says("Keys", "Issue a key; its text is in this answer and nowhere else");
        app.MapPost("/api/v1/keys/{id}/rotate", KeyDoors.Rotate).Needs(Scopes.Admin).Says("Keys", "Issue a key in place of another, which works on for overlap_hours (24)");
        app.MapDelete("/api/v1/keys/{id}", KeyDoors.Revoke).Needs(Scopes.Admin).Says("Keys", "End a key at once");

        app.MapGet("/api/v1/providers", ProviderDoors.List).Needs(Scopes.Admin).Says("Gateway settings", "Providers, without their keys");
        app.MapPost("/api/v1/providers", ProviderDoors.Create).Needs(Scopes.Admin).Says("Gateway settings", "Add a provider; its key is never shown again");
        app.MapPut("/api/v1/providers/{id}", ProviderDoors.Change).Needs(Scopes.Admin).Says("Gateway settings", "Change a provider; another address needs the key again");
        app.MapDelete("/api/v1/providers/{id}", ProviderDoors.Delete).Needs(Scopes.Admin).Says("Gateway settings", "Forget a provider and its key");
        app.MapPost("/api/v1/providers/{id}/test", ProviderDoors.Test).Needs(Scopes.Admin).Says("Gateway settings", "Ask a provider for its models with the stored key");
        app.MapPost("/api/v1/providers/rewrap", ProviderDoors.Rewrap).Needs(Scopes.Admin).Says("Gateway settings", "Put all provider keys under a new key-encryption key");
        app.MapGet("/api/v1/policies/gateway", PolicyDoors.Get).Needs(Scopes.Admin).Says("Gateway settings", "Retries, fallbacks, cache, fail-open or closed");
        app.MapPut("/api/v1/policies/gateway", PolicyDoors.Put).Needs(Scopes.Admin).Says("Gateway settings", "Set them");
        app.MapGet("/api/v1/budgets", BudgetDoors.List).Needs(Scopes.Admin).Says("Gateway settings", "Budgets and what is used of them");
        app.MapPut("/api/v1/budgets/{id}", BudgetDoors.Put).Needs(Scopes.Admin).Says("Gateway settings", "Set a budget per project, key or user: money, tokens, requests");
        app.MapDelete("/api/v1/budgets/{id}", BudgetDoors.Delete).Needs(Scopes.Admin).Says("Gateway settings", "Lift a budget");
    }

    /// <summary>A door to the models: needs the scope, and refuses as its provider would.</summary>
    static RouteHandlerBuilder Calls(this RouteHandlerBuilder door, RefusalForm form) => door.Needs(Scopes.Gateway).RefusesAs(form);

    /// <summary>A door for writing: needs the scope, may be used from any page, and refuses in its dialect's form.</summary>
    static RouteHandlerBuilder Takes(this RouteHandlerBuilder door, RefusalForm form) => door.Needs(Scopes.Ingest).RefusesAs(form).FromAnyOrigin();

    static RouteHandlerBuilder Says(this RouteHandlerBuilder door, string tag, string summary) => door.WithTags(tag).WithSummary(summary);
}
