using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Hindcast.Application;
using Hindcast.Application.Agents;
using Hindcast.Application.Payloads;
using Hindcast.Application.Pricing;
using Hindcast.Application.Projects;
using Hindcast.Application.ReadModels;
using Hindcast.Application.Traces;
using Hindcast.Domain.Traces;
using MediatR;

namespace Hindcast.Api.Dialects.WhyOps;

/// <summary>Threads, which are traces (WhyOps contract, 2.4): the list, one with its events, its graph, and the search by what was said last.</summary>
internal static class WhyOpsThreads
{
    const int MostBodyBytes = 4 << 20;

    /// <summary>By last activity, newest first.</summary>
    public static async Task<IResult> List(HttpContext http, IMediator app, CancellationToken ct)
    {
        var given = new WhyOpsQuery(http.Request.Query);
        var page = WhyOpsPage.Of(given);
        var agents = await app.Send(new ListAgents(http.Caller()), ct);
        var name = given.Text("agentName");
        if (given.Text("agentId") is { } id)
        {
            var agent = agents.FirstOrDefault(a => string.Equals(a.Id.ToString(), id, StringComparison.OrdinalIgnoreCase))?.Row.Name;
            if (agent is null || (name is not null && name != agent)) return Answer([], 0);
            name = agent;
        }
        var runs = await app.Send(new ListAgentRuns(http.Caller(), page.Page, page.Count)
        {
            Agent = name, UserId = given.Text("externalUserId"), From = given.Moment("startDate"), To = given.Moment("endDate"),
        }, ct);
        return Answer([.. runs.Runs.Select(r => WhyOpsThread.Of(r, agents, given))], runs.Total);

        IResult Answer(IReadOnlyList<WhyOpsThread> threads, long total) =>
            WhyOpsAnswers.Full(200, new { success = true, threads, pagination = page.Describe(total) });
    }

    /// <summary>One thread; <c>eventInclude=content,metadata</c>, <c>eventLimit</c> (200, at most 1,000), <c>eventOffset</c>.</summary>
    public static async Task<IResult> Get(string id, HttpContext http, IMediator app, CancellationToken ct)
    {
        var given = new WhyOpsQuery(http.Request.Query);
        var (limit, offset) = (given.Whole("eventLimit", 200, 1, 1_000), given.Whole("eventOffset", 0, 0, int.MaxValue));
        var trace = await Find(id, http.Caller(), app, ct);
        var agents = await app.Send(new ListAgents(http.Caller()), ct);
        var models = WhyOpsModels.Of(trace.Events, await app.Send(new GetPrices(http.Caller()), ct));

        var events = WhyOpsEventView.Of(trace.Events, given.Includes("eventInclude", "content"), given.Includes("eventInclude", "metadata"));
        var (first, last) = (trace.Events[0].Event.At, trace.Events[^1].Event.At);
        var thread = WhyOpsThread.Of(new(trace.Run, first, last), agents, given);
        var latency = trace.Events.Sum(e => e.Event.Latency?.TotalMilliseconds ?? 0);
        return WhyOpsAnswers.Full(200, new WhyOpsThreadDetail(thread)
        {
            TotalTokens = trace.Run.TotalTokens ?? 0,
            TotalLatency = latency,
            AvgLatency = latency / trace.Events.Count,
            ErrorCount = trace.Events.Count(e => e.Event is ErrorRaised or Closing { Status: SpanStatus.Error }),
            Events = [.. events.Skip(offset).Take(limit)],
            HasLateEvents = events.Any(e => e.IsLateEvent),
            EventsPagination = new { total = events.Count, limit, offset, hasMore = (long)offset + limit < events.Count },
            Cost = [.. models.Select(m => m.Cost).OfType<WhyOpsPrice>().Distinct()],
            Models = models,
            TotalCost = models.Sum(m => m.TotalCost),
        });
    }

    /// <summary>Events as nodes; an edge from the first event whose step is the parent's.</summary>
    public static async Task<IResult> Graph(string id, HttpContext http, IMediator app, CancellationToken ct)
    {
        var trace = await Find(id, http.Caller(), app, ct);
        var views = WhyOpsEventView.Of(trace.Events, content: false, metadata: false);
        var byStep = new Dictionary<int, WhyOpsEventView>();
        foreach (var view in views)
            if (view.StepId is { } step) byStep.TryAdd(step, view);
        Guid? Above(WhyOpsEventView view) => view.ParentStepId is { } step && byStep.TryGetValue(step, out var parent) ? parent.Id : null;
        return WhyOpsAnswers.Full(200, new
        {
            threadId = id,
            graph = new
            {
                nodes = views.Zip(trace.Events, (v, e) => new WhyOpsNode(
                    v.Id, v.StepId, v.ParentStepId, v.EventType, v.Model, v.Timestamp, v.LatencyMs, e.Event is ErrorRaised or Closing { Status: SpanStatus.Error },
                    v.Duration, v.TimeSinceStart)),
                edges = views.Where(v => Above(v) is { } from && from != v.Id).Select(v => new { from = Above(v), to = v.Id }),
            },
        });
    }

    /// <summary>The flow of a thread as a Mermaid flowchart, as text.</summary>
    public static async Task<IResult> Mermaid(string traceId, HttpContext http, IMediator app, CancellationToken ct)
    {
        var trace = await Find(traceId, http.Caller(), app, ct);
        return Results.Text(WhyOpsMermaid.Of(trace.Events), "text/plain", Encoding.UTF8);
    }

    /// <summary>
    /// The thread a conversation goes on from: <c>{messages, providerId}</c>; the newest of the last 1,000 answers that says what the last
    /// assistant message says.
    /// </summary>
    public static async Task<IResult> Match(HttpContext http, IMediator app, CancellationToken ct)
    {
        using var body = await RequestBody.ReadAsync(http, MostBodyBytes, ct);
        using var json = JsonBatch.Parse(body.Bytes);
        var messages = json.IsArray ? default : json.Elements[0].Get("messages");
        if (messages.ValueKind != JsonValueKind.Array) throw new BadRequest("messages", "messages is required");
        var said = messages.EnumerateArray().LastOrDefault(m => m.Get("role") is { ValueKind: JsonValueKind.String } role && role.ValueEquals("assistant"));
        if (said.ValueKind == JsonValueKind.Undefined) return WhyOpsAnswers.Json(200, new { found = false, reason = "No assistant message" });
        var match = PlainText.Of(said.GetRawText()) is { } text ? await app.Send(new FindAnswer(http.Caller(), text), ct) : null;
        return match is null
            ? WhyOpsAnswers.Json(200, new { found = false, reason = "No matching response" })
            : WhyOpsAnswers.Json(200, new { found = true, traceId = match.TraceId, matchEventId = match.EventId });
    }

    static async Task<TraceEvents> Find(string id, Caller caller, IMediator app, CancellationToken ct)
    {
        try
        {
            if (id.Contains('\0')) throw new NotFound("Thread not found");
            var trace = await app.Send(new GetTraceEvents(caller, id), ct);
            return trace.Events.Count > 0 ? trace : throw new NotFound("Thread not found");
        }
        catch (NotFound)
        {
            throw new NotFound("Thread not found");
        }
    }
}

/// <summary>A node of a thread's graph; times in ms.</summary>
internal sealed record WhyOpsNode(
    Guid Id, int? StepId, int? ParentStepId, string Type, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Model, DateTime Timestamp,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? LatencyMs, bool HasError,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? Duration, double TimeSinceStart);

/// <summary>A row of the list of threads; <c>userId</c> is the project, <c>entityId</c> the agent's version when it began.</summary>
internal record WhyOpsThread
{
    public required string ThreadId { get; init; }
    public required string UserId { get; init; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public string? ExternalUserId { get; init; }
    public string? ProviderId { get; init; }
    public Guid? AgentId { get; init; }
    public string? EntityId { get; init; }
    public string? EntityName { get; init; }
    public string? Model { get; init; }
    public DateTime LastActivity { get; init; }
    public DateTime LastEventTimestamp { get; init; }
    public int EventCount { get; init; }
    /// <summary>ms from the first event to the last.</summary>
    public double Duration { get; init; }
    public DateTime FirstEventTimestamp { get; init; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public string? SystemPrompt { get; init; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public JsonElement? Tools { get; init; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public JsonElement? Metadata { get; init; }

    public static WhyOpsThread Of(AgentRun run, IReadOnlyList<Agent> agents, WhyOpsQuery given)
    {
        var row = run.Row;
        var versions = agents.FirstOrDefault(a => a.Row.Name == row.Agent)?.Versions ?? [];
        // The version it ran under: the newest when it began; one that was registered only after its first event is better than none.
        var version = versions.FirstOrDefault(v => v.CreatedAt <= run.FirstAt.Micros()) ?? (versions is [.., var first] ? first : null);
        var metadata = version is null ? default : JsonSerializer.Deserialize<JsonElement>(version.Metadata);
        return new()
        {
            ThreadId = row.TraceId,
            UserId = row.Project,
            ExternalUserId = row.UserId,
            AgentId = row.Agent is { } agent ? InitAgent.IdOf(row.Project, agent) : null,
            EntityId = version?.Id,
            EntityName = row.Agent,
            Model = row.Model,
            LastActivity = run.LastAt.UtcDateTime,
            LastEventTimestamp = run.LastAt.UtcDateTime,
            EventCount = row.Events,
            Duration = (run.LastAt - run.FirstAt).TotalMilliseconds,
            FirstEventTimestamp = run.FirstAt.UtcDateTime,
            SystemPrompt = version is not null && given.Includes("include", "systemPrompt") ? AgentMetadata.Read(metadata).SystemPrompt : null,
            Tools = version is not null && given.Includes("include", "tools") ? metadata.Get("tools") : null,
            Metadata = version is not null && given.Includes("include", "metadata") ? metadata : null,
        };
    }
}

/// <summary>A thread with its events and what they add up to: tokens in disjoint parts, ms, USD.</summary>
internal sealed record WhyOpsThreadDetail : WhyOpsThread
{
    [System.Diagnostics.CodeAnalysis.SetsRequiredMembers]
    public WhyOpsThreadDetail(WhyOpsThread thread) : base(thread) { }

    public bool Success { get; init; } = true;
    /// <summary>Nothing is sampled: what was sent is stored.</summary>
    public bool SampledOut { get; init; }
    public bool SampledIn { get; init; } = true;
    public long TotalTokens { get; init; }
    public double TotalLatency { get; init; }
    public double AvgLatency { get; init; }
    public int ErrorCount { get; init; }
    public IReadOnlyList<WhyOpsEventView> Events { get; init; } = [];
    public bool HasLateEvents { get; init; }
    public object? EventsPagination { get; init; }
    public IReadOnlyList<WhyOpsPrice> Cost { get; init; } = [];
    public IReadOnlyList<WhyOpsModel> Models { get; init; } = [];
    public decimal TotalCost { get; init; }
}
