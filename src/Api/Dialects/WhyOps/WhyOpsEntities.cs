using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Hindcast.Application;
using Hindcast.Application.Agents;
using Hindcast.Application.Projects;
using Hindcast.Application.ReadModels;
using MediatR;

namespace Hindcast.Api.Dialects.WhyOps;

/// <summary>Agents, their versions and their users (WhyOps contract, 2.4). Nothing is limited or sampled: the limits shown are none.</summary>
internal static class WhyOpsEntities
{
    const int MostDays = 366;
    const decimal PicoPerUsd = 1_000_000_000_000m;

    public static async Task<IResult> List(HttpContext http, IMediator app, CancellationToken ct)
    {
        var given = new WhyOpsQuery(http.Request.Query);
        var page = WhyOpsPage.Of(given);
        var agents = await app.Send(new ListAgents(http.Caller()), ct);
        return WhyOpsAnswers.Full(200, new
        {
            success = true,
            agents = page.Of(agents).Select(a => new WhyOpsEntity(a, given.Includes("include", "metadata"))
            {
                TraceCount = a.Traces, SuccessPercentage = Rounded(a.SuccessPercent),
            }),
            pagination = page.Describe(agents.Count),
        });
    }

    /// <summary>One agent, day by day: <c>successRatePeriod</c> and <c>traceCountPeriod</c> days (7), for <c>externalUserId</c> alone if said.</summary>
    public static async Task<IResult> Get(string id, HttpContext http, IMediator app, TimeProvider clock, CancellationToken ct)
    {
        var given = new WhyOpsQuery(http.Request.Query);
        var agent = await Find(id, http.Caller(), app, ct);
        var (rate, count) = (given.Whole("successRatePeriod", 7, 1, MostDays), given.Whole("traceCountPeriod", 7, 1, MostDays));
        var today = new DateTimeOffset(clock.GetUtcNow().UtcDateTime.Date, TimeSpan.Zero);
        var days = (await app.Send(new ListAgentDays(http.Caller(), agent.Row.Name, today.AddDays(1 - Math.Max(rate, count))) { UserId = given.Text("externalUserId") }, ct))
            .ToDictionary(d => d.Day);
        var metadata = given.Includes("include", "metadata");
        return WhyOpsAnswers.Full(200, new WhyOpsEntity(agent, metadata)
        {
            Success = true,
            TraceCount = agent.Traces,
            SuccessPercentage = Each(rate, d => d is null || d.Events == 0 ? 0 : Rounded(100.0 * (d.Events - d.Errors) / d.Events)),
            TraceCounts = Each(count, d => d?.Traces ?? 0),
            Versions = [.. agent.Versions.Select(v => WhyOpsVersion.Of(v, metadata))],
        });

        Dictionary<string, T> Each<T>(int period, Func<AgentDay?, T> value) => Enumerable.Range(0, period).Select(i => today.AddDays(1 - period + i))
            .ToDictionary(d => d.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), d => value(days.GetValueOrDefault(d)));
    }

    public static async Task<IResult> VersionIds(string id, HttpContext http, IMediator app, CancellationToken ct)
    {
        var agent = await Find(id, http.Caller(), app, ct);
        return WhyOpsAnswers.Full(200, new { success = true, versions = agent.Versions.Select(v => new { id = v.Id, hash = v.Hash, createdAt = Time.At(v.CreatedAt).UtcDateTime }) });
    }

    public static async Task<IResult> Version(string versionId, HttpContext http, IMediator app, CancellationToken ct)
    {
        var agents = await app.Send(new ListAgents(http.Caller()), ct);
        var found = agents.SelectMany(a => a.Versions, (a, v) => (Agent: a, Version: v)).FirstOrDefault(x => string.Equals(x.Version.Id, versionId, StringComparison.OrdinalIgnoreCase));
        if (found.Agent is null) throw new NotFound("Version not found");
        var metadata = JsonSerializer.Deserialize<JsonElement>(found.Version.Metadata);
        var at = Time.At(found.Version.CreatedAt).UtcDateTime;
        return WhyOpsAnswers.Full(200, new
        {
            success = true,
            version = new
            {
                id = found.Version.Id, agentId = found.Agent.Id, name = found.Version.Name, hash = found.Version.Hash, samplingRate = 1, systemPrompt = AgentMetadata.Read(metadata).SystemPrompt,
                tools = metadata.Get("tools"), metadata, createdAt = at, updatedAt = at,
            },
        });
    }

    /// <summary>The users of an agent, the busiest first. Tokens count caches, and money is the run's: each token is paid once. USD.</summary>
    public static async Task<IResult> Users(string id, HttpContext http, IMediator app, CancellationToken ct)
    {
        var page = WhyOpsPage.Of(new(http.Request.Query));
        var agent = await Find(id, http.Caller(), app, ct);
        var users = await app.Send(new ListAgentUsers(http.Caller(), agent.Row.Name), ct);
        return WhyOpsAnswers.Full(200, new
        {
            success = true,
            users = page.Of(users).Select(u => new
            {
                externalUserId = u.UserId, traceCount = u.Traces, totalTokens = u.Tokens, totalCost = u.Cost / PicoPerUsd, errorCount = u.Errors, lastActiveAt = u.LastAt.UtcDateTime,
            }),
            totals = new
            {
                totalTraces = users.Sum(u => u.Traces), totalCost = users.Sum(u => u.Cost ?? 0) / PicoPerUsd, totalTokens = users.Sum(u => u.Tokens),
                totalErrors = users.Sum(u => u.Errors), uniqueUsers = users.Count,
            },
            pagination = page.Describe(users.Count),
        });
    }

    static async Task<Agent> Find(string id, Caller caller, IMediator app, CancellationToken ct) =>
        (await app.Send(new ListAgents(caller), ct)).FirstOrDefault(a => string.Equals(a.Id.ToString(), id, StringComparison.OrdinalIgnoreCase)) ?? throw new NotFound("Agent not found");

    public static double Rounded(double? percent) => Math.Round(percent ?? 0, 2, MidpointRounding.AwayFromZero);
}

/// <summary>An agent as it is listed; <c>userId</c> is the project, and a limit that is null is none.</summary>
internal sealed record WhyOpsEntity(Guid Id, string UserId, string ProjectId, string Name, DateTime? LastActive, DateTime CreatedAt, DateTime UpdatedAt, WhyOpsVersion? LatestVersion)
{
    public WhyOpsEntity(Agent agent, bool metadata) : this(
        agent.Id, agent.Row.Project, agent.Row.Project, agent.Row.Name, agent.LastAt?.UtcDateTime, Time.At(agent.Row.CreatedAt).UtcDateTime,
        Time.At(Math.Max(agent.Row.CreatedAt, agent.Row.UpdatedAt)).UtcDateTime, agent.Versions is [var newest, ..] ? WhyOpsVersion.Of(newest, metadata) : null) { }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public bool? Success { get; init; }
    public string? EnvironmentId { get; init; }
    public int? MaxTraces { get; init; }
    public int? MaxSpans { get; init; }
    public long TraceCount { get; init; }
    /// <summary>A number in the list, numbers by day for one.</summary>
    public required object SuccessPercentage { get; init; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public Dictionary<string, long>? TraceCounts { get; init; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public IReadOnlyList<WhyOpsVersion>? Versions { get; init; }
}

internal sealed record WhyOpsVersion(
    string Id, string Hash, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] JsonElement? Metadata, int SamplingRate, DateTime CreatedAt, DateTime UpdatedAt)
{
    public static WhyOpsVersion Of(AgentVersionRow row, bool metadata)
    {
        var at = Time.At(row.CreatedAt).UtcDateTime;
        return new(row.Id, row.Hash, metadata ? JsonSerializer.Deserialize<JsonElement>(row.Metadata) : null, 1, at, at);
    }
}
