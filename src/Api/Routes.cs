using Hindcast.Api.Dialects.Anthropic;
using Hindcast.Api.Dialects.Observatory;
using Hindcast.Api.Dialects.OpenAi;
using Hindcast.Api.Dialects.OpenTelemetry;
using Hindcast.Api.Dialects.TraceLlm;
using Hindcast.Api.Dialects.Trops;
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
        app.MapCalls();
        app.MapReading();
        app.MapTraceLlm();
        app.MapTrops();
        app.MapMoney();
        app.MapFigures();
        app.MapWhyOpsReading();
        app.MapOperations();
    }

    static void MapHealth(this WebApplication app)
    {
        app.MapGet("/health", HealthDoors.Health).Open().Says("Health", "Health in the Observatory's shape");
        app.MapGet("/health/live", HealthDoors.Live).Open().Says("Health", "The process answers");
        app.MapGet("/health/ready", HealthDoors.Ready).Open().Says("Health", "Projections have been at the head once since the start");
        app.MapGet("/metrics", MetricsDoor.Get).Open().ExcludeFromDescription();
        app.MapPost("/auth/token", TokenDoor.Issue).Open().Says("Keys", "A token of 15 minutes for client_id (the id or name of a key or a member) and client_secret (the key, or the member's secret)");
        app.MapOpenApi("/openapi/{documentName}.json").Open();
        app.MapGet("/docs", DocsDoor.Page).Open().ExcludeFromDescription();
        app.MapGet("/docs/{file}", DocsDoor.File).Open().ExcludeFromDescription();
    }

    public static void MapIngestion(this IEndpointRouteBuilder app)
    {
        app.MapPost("/api/v1/events", EventDoor.PostAsync).Takes("native", Envelope.RefuseAsync).Says("Ingestion", "Write events: an array, one object, or NDJSON; answered per element, durable when answered");
        app.MapPost("/api/v1/traces/{traceId}/scores", ScoreDoor.PostAsync).Takes("native", Envelope.RefuseAsync).Says("Ingestion", "Feedback on a trace or one of its spans");

        app.MapPost("/api/events/ingest", WhyOpsEvents.IngestAsync).Takes("whyops", WhyOpsRefusals.RefuseAsync).Says("WhyOps", "Write one event or an array of them");
        app.MapPost("/api/events", WhyOpsEvents.SaveAsync).Takes("whyops", WhyOpsRefusals.RefuseAsync).Says("WhyOps", "Write events and get the id, step and span of each");
        app.MapPost("/api/events/tool-result", WhyOpsEvents.SaveToolResultAsync).Takes("whyops", WhyOpsRefusals.RefuseAsync).Says("WhyOps", "Write what a tool answered");
        app.MapGet("/api/events/help", WhyOpsHelp.Get).Takes("whyops", WhyOpsRefusals.RefuseAsync).Says("WhyOps", "The event types, fields and rules, with examples");
        app.MapPost("/api/entities/init", WhyOpsAgents.InitAsync).Takes("whyops", WhyOpsRefusals.RefuseAsync).Says("WhyOps", "Register an agent, or a version of it");
        app.MapPost("/v1/agents/init", WhyOpsAgents.InitAsync).Takes("whyops", WhyOpsRefusals.RefuseAsync).Says("WhyOps", "The same, where the SDK's second attempt goes");

        foreach (var path in TraceLlmPaths.Twice("/traces"))
            app.MapPost(path, TraceLlmIngest.PostAsync).RefusesInvalid().Takes("tracellm", TraceLlmAnswers.RefuseAsync).Says("TraceLLM", "Save one trace or up to 100; a trace_id that is known is replaced");

        app.MapPost("/v1/traces", OtlpDoors.TracesAsync).Takes("otlp", OtlpDoors.RefuseAsync).Says("OpenTelemetry", "OTLP spans, in protobuf or JSON");
        app.MapPost("/v1/logs", OtlpDoors.LogsAsync).Takes("otlp", OtlpDoors.RefuseAsync).Says("OpenTelemetry", "OTLP log records: GenAI events are kept, others are counted");
        app.MapPost("/v1/metrics", OtlpDoors.MetricsAsync).Takes("otlp", OtlpDoors.RefuseAsync).Says("OpenTelemetry", "OTLP metrics: taken, counted and dropped");
        app.MapPost("/opentelemetry.proto.collector.trace.v1.TraceService/Export", GrpcDoors.TracesAsync).TakesCalls();
        app.MapPost("/opentelemetry.proto.collector.logs.v1.LogsService/Export", GrpcDoors.LogsAsync).TakesCalls();
        app.MapPost("/opentelemetry.proto.collector.metrics.v1.MetricsService/Export", GrpcDoors.MetricsAsync).TakesCalls();

        app.MapPost("/api/ingestion/publish_events", TrubricsDoors.PublishEventsAsync).Takes("trubrics", TrubricsDoors.RefuseAsync).Says("Trubrics", "Write up to 100 product events");
        app.MapPost("/api/ingestion/publish_llm_events", TrubricsDoors.PublishLlmEventsAsync).Takes("trubrics", TrubricsDoors.RefuseAsync).Says("Trubrics", "Write up to 100 prompts with their generations");
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
        app.MapGet("/api/v1/traces", ObservatoryDoors.List).Shows().Takes(ObservatoryParameters.List).Says("Traces", "Spans, filtered, sorted, page by page (LLM Observatory)");
        app.MapPost("/api/v1/traces/search", ObservatoryDoors.Search).Shows().Takes(ObservatoryParameters.Search).Says("Traces", "Spans by a filter of any depth (LLM Observatory)");
        app.MapGet("/api/v1/traces/{traceId}", ObservatoryDoors.One).Shows().Says("Traces", "The newest span of a trace (LLM Observatory)");
        app.MapGet("/api/v1/events", ObservatoryDoors.ListEvents).Shows().Takes(ObservatoryParameters.List).Says("Traces", "Product events, with the filters, paging and cursor of spans");
        app.MapGet("/api/v1/sessions", PeopleDoors.Sessions).Shows().Says("Traces", "Sessions, the last active first: traces, users, errors, tokens, cost, feedback");
        app.MapGet("/api/v1/users", PeopleDoors.Users).Shows().Says("Traces", "Users, the last active first: traces, sessions, errors, tokens, cost, feedback");
        app.MapGet("/api/v1/runs", ObservatoryDoors.ListRuns).Shows().Takes(ObservatoryParameters.List).Says("Traces", "Whole traces, with the same filters, paging and cursor");
        app.MapPost("/api/v1/runs/search", ObservatoryDoors.SearchRuns).Shows().Takes(ObservatoryParameters.Search).Says("Traces", "Whole traces by a filter of any depth");
        app.MapGet("/api/v1/traces/{traceId}/tree", TraceDoors.Tree).Needs(Scopes.Read).Reads("traces").Says("Traces", "A trace as a tree");
        app.MapGet("/api/v1/traces/{traceId}/timeline", TraceDoors.Timeline).Needs(Scopes.Read).Reads("traces").Says("Traces", "The facts of a trace in the order they were recorded");
        app.MapGet("/api/v1/traces/{traceId}/state", TraceDoors.State).Needs(Scopes.Read).TravelsItself().Says("Traces", "The tree as it stood at a revision or a time");
        app.MapGet("/api/v1/traces/{traceId}/diff", TraceDoors.Diff).Needs(Scopes.Read).Says("Traces", "What came between two revisions: the facts, and what they changed");
        app.MapGet("/api/v1/stream", StreamDoor.ServeAsync).Needs(Scopes.Read, Permissions.ReadTraces).Takes(LiveDescription.Stream).Says("Traces", "The facts of traces from any position on and then live, as server-sent events or a WebSocket");
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
            app.MapGet($"{at}/ws", LiveDoor.ServeAsync).AsTraceLlm(Scopes.Read).WithMetadata(new TakesToken()).Takes(LiveDescription.Socket).Says("TraceLLM", "News of traces on a WebSocket; with a token the LLM Observatory's messages");
        }
    }

    static RouteHandlerBuilder AsTraceLlm(this RouteHandlerBuilder door, Scopes scope) => door.Needs(scope).RefusesAs(TraceLlmAnswers.RefuseAsync).RefusesInvalid();

    static void MapWhyOpsReading(this WebApplication app)
    {
        app.MapGet("/api/events", WhyOpsEventReads.List).Shows(WhyOpsRefusals.RefuseAsync).Says("WhyOps", "Events, newest first");
        app.MapGet("/api/events/{id}", WhyOpsEventReads.Get).Shows(WhyOpsRefusals.RefuseAsync).Says("WhyOps", "One event");
        app.MapGet("/api/threads", WhyOpsThreads.List).Shows(WhyOpsRefusals.RefuseReadingAsync).Says("WhyOps", "Threads by last activity");
        app.MapGet("/api/threads/{id}", WhyOpsThreads.Get).Shows(WhyOpsRefusals.RefuseReadingAsync).Says("WhyOps", "A thread with its events, models and money");
        app.MapGet("/api/threads/{id}/graph", WhyOpsThreads.Graph).Shows(WhyOpsRefusals.RefuseReadingAsync).Says("WhyOps", "A thread as nodes and edges");
        app.MapPost("/api/threads/match", WhyOpsThreads.Match).Shows(WhyOpsRefusals.RefuseReadingAsync).Says("WhyOps", "The thread that a conversation goes on from");
        app.MapGet("/api/visualize/{traceId}/mermaid", WhyOpsThreads.Mermaid).Shows(WhyOpsRefusals.RefuseReadingAsync).Says("WhyOps", "A thread as a Mermaid flowchart");
        app.MapGet("/api/entities", WhyOpsEntities.List).Shows(WhyOpsRefusals.RefuseReadingAsync).Says("WhyOps", "Agents");
        app.MapGet("/api/entities/{id}", WhyOpsEntities.Get).Shows(WhyOpsRefusals.RefuseReadingAsync).Says("WhyOps", "An agent, day by day");
        app.MapGet("/api/entities/{id}/version-ids", WhyOpsEntities.VersionIds).Shows(WhyOpsRefusals.RefuseReadingAsync).Says("WhyOps", "The versions of an agent");
        app.MapGet("/api/entities/{id}/user-distribution", WhyOpsEntities.Users).Shows(WhyOpsRefusals.RefuseReadingAsync).Says("WhyOps", "The users of an agent");
        app.MapGet("/api/entities/versions/{versionId}", WhyOpsEntities.Version).Shows(WhyOpsRefusals.RefuseReadingAsync).Says("WhyOps", "A version: its prompt and its tools");
        app.MapGet("/api/analytics/dashboard", WhyOpsAnalytics.Dashboard).Shows(WhyOpsRefusals.RefuseAsync).Says("WhyOps", "The last seven days");
        app.MapGet("/api/analytics/summary", WhyOpsAnalytics.Summary).Shows(WhyOpsRefusals.RefuseAsync).Says("WhyOps", "All requests in one row");
        app.MapGet("/api/analytics/timeline", WhyOpsAnalytics.Timeline).Shows(WhyOpsRefusals.RefuseAsync).Says("WhyOps", "Requests by hour, day or week");
        app.MapGet("/api/analytics/usage", WhyOpsAnalytics.Usage).Shows(WhyOpsRefusals.RefuseAsync).Says("WhyOps", "Requests by provider and model");
        app.MapPost("/api/llm-costs", WhyOpsAnalytics.Costs).Shows(WhyOpsRefusals.RefuseAsync).Says("WhyOps", "What models cost");
        app.MapPost("/api/analyses", WhyOpsAnalyses.Create).Shows(WhyOpsRefusals.RefuseReadingAsync).Says("WhyOps", "What can be said of a trace without a model");
        app.MapGet("/api/analyses/{traceId}", WhyOpsAnalyses.OfTrace).Shows(WhyOpsRefusals.RefuseReadingAsync).Says("WhyOps", "The same, by its id, which is the trace's");
        app.MapGet("/api/analyses/trace/{traceId}", WhyOpsAnalyses.OfTrace).Shows(WhyOpsRefusals.RefuseReadingAsync).Says("WhyOps", "The same, by the trace");
        app.MapGet("/api/health", WhyOpsHealth.Get).Open().Says("WhyOps", "The process answers");
        app.MapGet("/api/health/ready", WhyOpsHealth.Ready).Open().Says("WhyOps", "What was recorded before the start can be read");
    }

    static void MapMoney(this WebApplication app)
    {
        app.MapGet("/api/v1/prices", PriceDoors.List).Needs(Scopes.Read).Reads("traces").Says("Money", "The price book: what was set, then what is built in");
        app.MapPut("/api/v1/prices", PriceDoors.Set).Needs(Scopes.Admin).Says("Money", "Add prices; what was computed under older ones is computed anew");
        app.MapGet("/api/v1/costs", CostDoors.Get).Needs(Scopes.Read, Permissions.ReadCosts).Reads("traces").Travels(Own).Says("Money", "What requests cost, with the prices as they are or were known");
        app.MapGet("/api/v1/failures/groups", FailureDoors.Groups).Needs(Scopes.Read).Reads("traces").Travels(Own).Says("Failures", "What goes wrong, grouped by what is alike");
    }

    /// <summary>What the Observatory has beside its traces.</summary>
    static void MapFigures(this WebApplication app)
    {
        app.MapGet("/api/v1/metrics", ObservatoryMetrics.Series).Counts(Permissions.ReadMetrics, "read metrics").Takes(ObservatoryParameters.Figures(("metrics", "1 to 20, with commas: request_count, duration, total_cost, …"), ("interval", "1min, 5min, 1hour (default) or 1day"), ("group_by", "At most 5 of provider, model, environment, status_code, user_id, session_id"), ("aggregation", "avg, sum, min, max, count, p50, p90, p95 or p99"), ("include_percentiles", "true: p50 to p99 of the duration, too"))).Says("Figures", "Figures over time, by what requests have in common");
        app.MapPost("/api/v1/metrics/query", ObservatoryMetrics.Query).Counts(Permissions.ReadMetrics, "query metrics").Says("Figures", "The same with filters, conditions on the results and an order");
        app.MapGet("/api/v1/metrics/summary", ObservatoryMetrics.Summary).Counts(Permissions.ReadMetrics, "read metrics").Takes(ObservatoryParameters.Figures(("compare_previous_period", "true (default) or false"))).Says("Figures", "A period beside the one before it");
        app.MapGet("/api/v1/costs/summary", ObservatoryCosts.Summary).Counts(Permissions.ReadCosts, "read cost data").Takes(ObservatoryParameters.Figures(("include_trends", "true (default) or false"), ("include_top_traces", "true (default) or false"), ("top_limit", "1 to 100, default 10"))).Says("Figures", "What requests cost, in parts and over time");
        app.MapGet("/api/v1/costs/attribution", ObservatoryCosts.Attribution).Counts(Permissions.ReadCosts, "read cost data").Takes(ObservatoryParameters.Figures(("dimension", "user, team, tag, provider, model or environment"), ("limit", "1 to 1000, default 100"), ("min_cost", "USD"))).Says("Figures", "Costs by user, team, tag, provider, model or environment");
        app.MapGet("/api/v1/costs/forecast", ObservatoryCosts.Forecast).Counts(Permissions.ReadCosts, "read cost data").Says("Figures", "Costs of the days to come, by a line through those that were");
        app.MapGet("/api/v1/analytics/performance", ObservatoryAnalytics.Performance).Counts(Permissions.ReadMetrics, "read metrics").Takes(ObservatoryParameters.Figures(("granularity", "1min, 5min, 1hour (default) or 1day"))).Says("Figures", "Latency and throughput");
        app.MapGet("/api/v1/analytics/quality", ObservatoryAnalytics.Quality).Counts(Permissions.ReadMetrics, "read metrics").Takes(ObservatoryParameters.Figures(("granularity", "1min, 5min, 1hour (default) or 1day"))).Says("Figures", "Errors and what they say, the mean of the scores given, and how many were helped (score resolved)");
        app.MapGet("/api/v1/analytics/models/compare", ObservatoryAnalytics.Compare).Counts(Permissions.ReadMetrics, "read metrics").Takes(ObservatoryParameters.Figures(("models", "2 to 10, with commas between them"))).Says("Figures", "Two to ten models side by side");
        app.MapGet("/api/v1/analytics/optimization", ObservatoryAnalytics.Optimization).Counts(Permissions.ReadMetrics, "read metrics").Takes(ObservatoryParameters.Figures()).Says("Figures", "Models that are dear, slow or fail often");

        app.MapPost("/api/v1/export/traces", ObservatoryExports.Create).Files("create exports").Says("Exports", "Write spans to a file: CSV, JSON or JSON Lines, gzip if wanted");
        app.MapGet("/api/v1/export/jobs", ObservatoryExports.List).Files("read exports").Says("Exports", "Exports, newest first");
        app.MapGet("/api/v1/export/jobs/{id}", ObservatoryExports.Get).Files("read exports").Says("Exports", "How far an export is");
        app.MapGet("/api/v1/export/jobs/{id}/download", ObservatoryExports.Download).Files("download exports").Says("Exports", "The file");
        app.MapDelete("/api/v1/export/jobs/{id}", ObservatoryExports.Cancel).Files("cancel exports").Says("Exports", "Cancel an export that is under way");
    }

    static void MapTrops(this WebApplication app)
    {
        app.MapGet("/v1/analytics/requests", TropsAnalytics.Requests).Shows(TropsRefusals.RefuseAsync).WithMetadata(new LimitedByPlan()).Says("TROPS", "Requests to models, newest first");
        app.MapGet("/v1/analytics/overview", TropsAnalytics.Overview).Shows(TropsRefusals.RefuseAsync).WithMetadata(new LimitedByPlan()).Travels(Own).Says("TROPS", "Requests by minute, hour or day");
    }

    static void MapOperations(this WebApplication app)
    {
        app.MapDelete("/api/v1/users/{id}", ErasureDoors.User).Needs(Scopes.Admin).Says("Erasure", "Make all that a user said unreadable, for good");
        app.MapDelete("/api/v1/traces/{traceId}", ErasureDoors.Trace).Needs(Scopes.Admin).Says("Erasure", "Make all that was said in a trace unreadable, for good");
        app.MapPost("/api/v1/scrub", ErasureDoors.Scrub).Needs(Scopes.Admin).Says("Erasure", "Rewrite the files of the read models and of the vault, so that nothing erased is left in them");
        app.MapGet("/api/v1/receipts/{position}", ReceiptDoor.Get).Needs(Scopes.Read).Says("Operations", "What happened to the fact at a position: its hash, and what each projection made of it");
        app.MapGet("/api/v1/completeness", CompletenessDoor.Get).Needs(Scopes.Read).Reads("traces").Takes(CompletenessDoor.Describe).Says("Operations", "What each source sent, and what became of it: received, stored, duplicate, refused, parked, projected");
        app.MapGet("/limits", OperationDoors.Limits).Needs(Scopes.Read).Says("Operations", "The limits in force");
        app.MapGet("/api/v1/projections", OperationDoors.Projections).Needs(Scopes.Read).Says("Operations", "Where each projection stands");
        app.MapPost("/api/v1/projections/{name}/rebuild", OperationDoors.Rebuild).Needs(Scopes.Admin).Says("Operations", "Build a projection again from the log, beside the one that serves");
        app.MapGet("/api/v1/projections/{name}/parked", OperationDoors.Parked).Needs(Scopes.Admin).Says("Operations", "Facts a projection could not apply");
        app.MapPost("/api/v1/projections/{name}/parked/replay", OperationDoors.Replay).Needs(Scopes.Admin).Says("Operations", "Apply parked facts again");

        app.MapGet("/app", ConsoleDoors.Page).Open().ExcludeFromDescription();
        app.MapGet("/app/{**page}", ConsoleDoors.Page).Open().ExcludeFromDescription();
        app.MapGet("/app/assets/{file}", ConsoleDoors.Asset).Open().ExcludeFromDescription();
        app.MapGet("/app/session", ConsoleDoors.Session).Open().Says("Keys", "Who is signed in, and which doors there are");
        app.MapPost("/app/login", LoginDoors.Login).Open().Says("Keys", "Sign in a browser: a key, or a member's name and secret, for a cookie");
        app.MapPost("/app/logout", LoginDoors.Logout).Open().Says("Keys", "Sign it out");
        app.MapGet("/api/v1/members", MemberDoors.List).Needs(Scopes.Admin).Says("Members", "Who signs in by name, and as what; project_id narrows it");
        app.MapPost("/api/v1/members", MemberDoors.Create).Needs(Scopes.Admin).Says("Members", "Add a member with a role; the secret is in this answer and nowhere else");
        app.MapPut("/api/v1/members/{id}", MemberDoors.Change).Needs(Scopes.Admin).Says("Members", "Another name, another role, at once, or a new secret");
        app.MapDelete("/api/v1/members/{id}", MemberDoors.Remove).Needs(Scopes.Admin).Says("Members", "End a member, and every session, at once");
        app.MapGet("/api/v1/views", ViewDoors.List).Needs(Scopes.Read, Permissions.ReadTraces).Says("Views", "Saved views, by name");
        app.MapPost("/api/v1/views", ViewDoors.Create).Needs(Scopes.Admin).Says("Views", "Save a filter under a name, with columns and order");
        app.MapPut("/api/v1/views/{id}", ViewDoors.Put).Needs(Scopes.Admin).Says("Views", "Put another view in the place of one");
        app.MapDelete("/api/v1/views/{id}", ViewDoors.Delete).Needs(Scopes.Admin).Says("Views", "Forget a view");
        app.MapGet("/api/v1/audit", AuditDoors.List).Needs(Scopes.Admin).Says("Audit", "Who did what, the newest first; actor, action, from, to, project_id, limit and cursor narrow it");
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
        app.MapGet("/api/v1/redaction", RedactionDoors.Get).Needs(Scopes.Admin).Says("Redaction", "What is not to be kept: secrets, e-mail addresses, card numbers, patterns of one's own");
        app.MapPut("/api/v1/redaction", RedactionDoors.Put).Needs(Scopes.Admin).Says("Redaction", "Set it: each rule off, flag or replace");
        app.MapPost("/api/v1/redaction/try", RedactionDoors.Try).Needs(Scopes.Admin).Reads("traces").Says("Redaction", "What rules would have found between from and to, before they are switched on");
        app.MapGet("/api/v1/retention", RetentionDoors.Get).Needs(Scopes.Admin).Reads("traces").Says("Retention", "How many days traces are kept, and how far letting go of older ones is");
        app.MapPut("/api/v1/retention", RetentionDoors.Put).Needs(Scopes.Admin).Reads("traces").Says("Retention", "Set days, or null to keep everything; dry_run=true only says what would go");
        app.MapGet("/api/v1/budgets", BudgetDoors.List).Needs(Scopes.Admin).Says("Gateway settings", "Budgets and what is used of them");
        app.MapPut("/api/v1/budgets/{id}", BudgetDoors.Put).Needs(Scopes.Admin).Says("Gateway settings", "Set a budget per project, key or user: money, tokens, requests");
        app.MapDelete("/api/v1/budgets/{id}", BudgetDoors.Delete).Needs(Scopes.Admin).Says("Gateway settings", "Lift a budget");

        app.MapGet("/api/v1/alerts", AlertDoors.List).Needs(Scopes.Admin).Says("Alerts", "Rules, and how each stands");
        app.MapPost("/api/v1/alerts", AlertDoors.Create).Needs(Scopes.Admin).Says("Alerts", "Add a rule: a metric of the requests a filter takes, a window, a webhook; its secret is in this answer and nowhere else");
        app.MapGet("/api/v1/alerts/{id}", AlertDoors.Get).Needs(Scopes.Admin).Says("Alerts", "One rule");
        app.MapPut("/api/v1/alerts/{id}", AlertDoors.Change).Needs(Scopes.Admin).Says("Alerts", "Change a rule, or give it another secret");
        app.MapDelete("/api/v1/alerts/{id}", AlertDoors.Delete).Needs(Scopes.Admin).Says("Alerts", "Forget a rule and what is still to be told of it");
        app.MapPost("/api/v1/alerts/{id}/try", AlertDoors.Try).Needs(Scopes.Admin).Reads("traces").Says("Alerts", "When a rule would have fired between from and to, and at what value; nothing is sent");
        app.MapGet("/api/v1/alerts/{id}/deliveries", AlertDoors.Deliveries).Needs(Scopes.Admin).Says("Alerts", "What was told of a rule and how it was taken, newest first");
    }

    /// <summary>A door to the models: needs the scope, and refuses as its provider would.</summary>
    static RouteHandlerBuilder Calls(this RouteHandlerBuilder door, RefusalForm form) => door.Needs(Scopes.Gateway).RefusesAs(form).WithMetadata(new LimitedByPlan());

    /// <summary>A door for writing: needs the scope, may be used from any page, and refuses in its dialect's form.</summary>
    static RouteHandlerBuilder Takes(this RouteHandlerBuilder door, string dialect, RefusalForm form) =>
        door.Needs(Scopes.Ingest).RefusesAs(form).FromAnyOrigin().WithMetadata(new TakenIn(dialect));

    /// <summary>A door of gRPC; it has another port, and another description than these pages.</summary>
    static RouteHandlerBuilder TakesCalls(this RouteHandlerBuilder door) => door.Needs(Scopes.Ingest).RefusesAs(GrpcStatus.RefuseAsync).WithMetadata(new TakenIn("otlp")).ExcludeFromDescription();

    /// <summary>A door of a dialect for reading what traces add up to.</summary>
    static RouteHandlerBuilder Shows(this RouteHandlerBuilder door, RefusalForm form) =>
        door.Needs(Scopes.Read).RefusesAs(form).Reads("traces");
    /// <summary>A reading door of the Observatory: its permission, its words, and its roles' rates.</summary>
    static RouteHandlerBuilder Shows(this RouteHandlerBuilder door) =>
        door.Needs(Scopes.Read, Permissions.ReadTraces).RefusesAs(ObservatoryRefusals.RefuseAsync).WithMetadata(new LimitedByRole()).Reads("traces")
            .Travels(http => ObservatoryQuery.Reach(http.Caller(), http.Request.Query["project_id"]));

    /// <summary>A door of the Observatory for figures: its permission, what is said to who lacks it, and its roles' rates.</summary>
    static RouteHandlerBuilder Counts(this RouteHandlerBuilder door, string permission, string doing) =>
        door.Needs(Scopes.Read, permission).RefusesAs(ObservatoryRefusals.To(doing)).WithMetadata(new LimitedByRole()).Reads("traces")
            .Travels(http => [ObservatoryWindow.Of(http.Caller(), http.Request.Query["project_id"]).Project]);

    /// <summary>A door for exports: they hold what traces hold.</summary>
    static RouteHandlerBuilder Files(this RouteHandlerBuilder door, string doing) =>
        door.Needs(Scopes.Read, Permissions.ReadTraces).RefusesAs(ObservatoryRefusals.To(doing)).WithMetadata(new LimitedByRole());

    static IReadOnlyList<string> Own(HttpContext http) => [http.Caller().Project];

    static RouteHandlerBuilder Says(this RouteHandlerBuilder door, string tag, string summary) => door.WithTags(tag).WithSummary(summary);
}
