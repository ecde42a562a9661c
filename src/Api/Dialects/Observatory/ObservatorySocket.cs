using System.Collections.Immutable;
using System.Text.Json;
using Hindcast.Api.Live;
using Hindcast.Api.Native;
using Hindcast.Application.Live;
using Hindcast.Application.ReadModels;
using Hindcast.Application.Traces;
using Hindcast.Domain.Traces;

namespace Hindcast.Api.Dialects.Observatory;

/// <summary>
/// The Observatory's socket, <c>/ws?token=</c> (contract 4.11, documented there and served by nobody): subscribes to events with filters, and hears
/// <c>trace_created</c> and <c>trace_updated</c> of the caller's project. The contract's other events can be subscribed to; nothing raises them yet.
/// </summary>
internal sealed class ObservatorySocket(ObservatoryVoice voice) : ILiveTalk
{
    const int MostSubscriptions = 20;
    static readonly string[] s_events = ["trace_created", "trace_updated", "metric_threshold", "cost_threshold", "export_job_status", "system_alert"];

    ImmutableDictionary<string, (ImmutableHashSet<string> Events, ObservatoryFilters Filters)> _subscriptions = ImmutableDictionary<string, (ImmutableHashSet<string>, ObservatoryFilters)>.Empty;

    public ILiveVoice Voice => voice;

    public ReadOnlyMemory<byte>? Greeting => null;

    public bool Wants(LiveMessage message) =>
        message.About is ObservatoryNews news && _subscriptions.Values.Any(s => s.Events.Contains(news.EventType) && s.Filters.Match(news.Trace));

    public ReadOnlyMemory<byte>? Answer(JsonElement message) => JsonSerializer.SerializeToUtf8Bytes(
        Text(message, "type") switch
        {
            "subscribe" => Subscribe(message),
            "unsubscribe" => Unsubscribe(message),
            "ping" => new { type = "pong" },
            _ => Refused("INVALID_MESSAGE", "type must be subscribe, unsubscribe or ping"),
        }, Envelope.Json);

    object Subscribe(JsonElement message)
    {
        if (EventsOf(message) is not { Count: > 0 } events) return Refused("INVALID_EVENT", $"events must list some of {string.Join(", ", s_events)}");
        if (ObservatoryFilters.Of(message.Member("filters")) is not { } filters) return Refused("INVALID_FILTER", "filters are provider, model, environment, user_id, min_cost and min_duration_ms");
        if (_subscriptions.Count == MostSubscriptions) return Refused("TOO_MANY_SUBSCRIPTIONS", $"A socket has at most {MostSubscriptions} subscriptions");
        var id = Guid.NewGuid().ToString();
        _subscriptions = _subscriptions.Add(id, (events, filters));
        return new { type = "subscribed", events, subscription_id = id };
    }

    object Unsubscribe(JsonElement message)
    {
        if (EventsOf(message) is not { } events) return Refused("INVALID_EVENT", $"events must list some of {string.Join(", ", s_events)}");
        _subscriptions = _subscriptions
            .Select(s => KeyValuePair.Create(s.Key, s.Value with { Events = s.Value.Events.Except(events) }))
            .Where(s => !s.Value.Events.IsEmpty).ToImmutableDictionary();
        return new { type = "unsubscribed", events };
    }

    static ImmutableHashSet<string>? EventsOf(JsonElement message)
    {
        if (message.Member("events") is not { ValueKind: JsonValueKind.Array } list || list.GetArrayLength() > s_events.Length) return null;
        var events = list.EnumerateArray().Select(e => e.ValueKind == JsonValueKind.String ? e.GetString()! : "").ToImmutableHashSet(StringComparer.Ordinal);
        return events.All(s_events.Contains) ? events : null;
    }

    static object Refused(string code, string message) => new { type = "error", code, message };

    static string? Text(JsonElement message, string name) => message.Member(name) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;
}

/// <summary>What a subscription wants of a trace; null wants anything.</summary>
/// <param name="MinCost">USD.</param>
/// <param name="MinDurationMs">ms.</param>
internal sealed record ObservatoryFilters(string? Provider, string? Model, string? Environment, string? UserId, decimal? MinCost, double? MinDurationMs)
{
    static readonly string[] s_names = ["provider", "model", "environment", "user_id", "min_cost", "min_duration_ms"];

    /// <summary>Null when they cannot be understood: a filter that is overlooked would show too much.</summary>
    public static ObservatoryFilters? Of(JsonElement? filters)
    {
        if (filters is not { } given) return new(null, null, null, null, null, null);
        if (given.ValueKind != JsonValueKind.Object || given.EnumerateObject().Any(m => !s_names.Contains(m.Name))) return null;
        try
        {
            return new(
                given.Member("provider")?.GetString(), given.Member("model")?.GetString(), given.Member("environment")?.GetString(), given.Member("user_id")?.GetString(),
                given.Member("min_cost")?.GetDecimal(), given.Member("min_duration_ms")?.GetDouble());
        }
        catch (Exception e) when (e is InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    public bool Match(ObservatoryRun trace) =>
        (Provider is null || trace.Provider == Provider) && (Model is null || trace.Model == Model) && (Environment is null || trace.Environment == Environment)
        && (UserId is null || trace.UserId == UserId) && (MinCost is null || trace.TotalCostUsd >= MinCost) && (MinDurationMs is null || trace.DurationMs >= MinDurationMs);
}

/// <summary>A whole trace in the Observatory's names; unknown figures are left out.</summary>
internal sealed record ObservatoryRun(
    string TraceId, DateTime Ts, string? ServiceName, string? Provider, string? Model, long? TotalTokens, decimal? TotalCostUsd, long? DurationMs, string StatusCode,
    string? UserId, string? SessionId, string? Environment)
{
    public static ObservatoryRun Of(WholeTrace whole) => new(
        whole.Run.TraceId, Time.At(whole.Run.StartedAt).UtcDateTime, whole.Run.Agent, whole.Response?.Provider, whole.Run.Model, whole.Run.TotalTokens,
        TreeJson.UsdOf(whole.Run.TotalCost), (whole.Run.Duration + 500) / 1000,
        (SpanStatus)whole.Run.Status switch { SpanStatus.Error => "ERROR", SpanStatus.Running => "UNSET", _ => "SUCCESS" },
        whole.Run.UserId, whole.Run.SessionId, whole.Run.Environment);
}

internal sealed record ObservatoryNews(string EventType, ObservatoryRun Trace);

/// <summary>Reads the traces that changed and words each once for all sockets of the project.</summary>
internal sealed class ObservatoryVoice(ServingModels models, TimeProvider clock) : ILiveVoice
{
    public async Task<IReadOnlyList<LiveMessage>> SayAsync(LiveNews news, CancellationToken ct)
    {
        var created = news.Traces.Where(t => t.Created).Select(t => t.TraceId).ToHashSet(StringComparer.Ordinal);
        return [.. (await models.WholeTracesAsync(news.Project, [.. news.Traces.Select(t => t.TraceId)], ct)).Select(whole =>
        {
            var said = new ObservatoryNews(created.Contains(whole.Run.TraceId) ? "trace_created" : "trace_updated", ObservatoryRun.Of(whole));
            return new LiveMessage(news.Position, JsonSerializer.SerializeToUtf8Bytes(
                new { type = "event", event_type = said.EventType, data = said.Trace, timestamp = clock.GetUtcNow() }, Envelope.Json), said);
        })];
    }
}
