using System.Globalization;
using System.Text.Json;
using Hindcast.Application.Payloads;
using Hindcast.Application.ReadModels;
using Hindcast.Domain.Traces;

namespace Hindcast.Api.Dialects.TraceLlm;

/// <summary>
/// A trace as it is saved: what TraceLLM makes of the payload it is given (contract 2.3). A pure function of payload and moment of saving, so
/// that a rebuild reads out of the log what the door read.
/// </summary>
internal sealed class TraceLlmSave
{
    /// <summary>A year, as elsewhere.</summary>
    const double MostMilliseconds = Native.NativePayload.MostMilliseconds;
    public const string DefaultTool = "agent";

    readonly JsonElement _payload;
    readonly DateTimeOffset _now;
    readonly IReadOnlyList<object> _at;
    readonly List<TraceLlmFault> _faults;

    TraceLlmSave(JsonElement payload, DateTimeOffset now, IReadOnlyList<object> at, List<TraceLlmFault> faults) =>
        (_payload, _now, _at, _faults) = (payload, now, at, faults);

    /// <summary>The trace, if nothing was wrong with it. Project, environment and a missing trace id are the door's to give.</summary>
    /// <param name="at">Where the payload stands in the request.</param>
    public static TraceLlmTrace? Read(JsonElement payload, DateTimeOffset now, IReadOnlyList<object> at, List<TraceLlmFault> faults)
    {
        var before = faults.Count;
        var trace = new TraceLlmSave(payload, now, at, faults).Read();
        return faults.Count == before ? trace : null;
    }

    TraceLlmTrace Read()
    {
        var latency = Number("latency", MostMilliseconds) ?? 0;
        var tokens = Whole("token_count", Usage.Most) ?? 0;
        var steps = Steps();
        var given = Whole("retry_count", int.MaxValue);
        var reason = Text("failure_reason", null) ?? steps.FirstOrDefault(s => !s.Success)?.Failure;
        var saidReason = Text("failure_reason", null) is not null;
        var created = Time("created_at", "timestamp") ?? _now;
        return new(
            Id("trace_id", "id") ?? "",
            Words("prompt") ?? "",
            Words("response"),
            latency,
            tokens,
            Text("model_name", TraceRules.LongestName) ?? Text("model", TraceRules.LongestName) ?? TraceLlmTrace.NoModel,
            "",
            Text("project_name", TraceRules.LongestName),
            Masked(Text("api_key", TraceRules.LongestName)),
            Text("environment", 64) ?? "",
            StatusOf(Text("status", null), steps, saidReason, given > 0),
            steps,
            given ?? RepeatsOf(steps),
            Bool("slow_request") ?? latency >= TraceSummary.SlowFrom.TotalMilliseconds,
            reason,
            TraceLlmTrace.TimeOf(created),
            TraceLlmTrace.TimeOf(Time("updated_at") ?? _now));
    }

    /// <summary>Rule 1: an explicit status wins; else a failed step fails; else a reason or told retries warn. An unknown word says nothing.</summary>
    static string StatusOf(string? said, List<TraceLlmStep> steps, bool reason, bool retried) => said?.ToLowerInvariant() switch
    {
        "success" or "warning" or "failed" => said.ToLowerInvariant(),
        _ => steps.Any(s => !s.Success) ? "failed" : reason || retried ? "warning" : "success",
    };

    /// <summary>Rule 2: steps whose tool was called before.</summary>
    static long RepeatsOf(List<TraceLlmStep> steps) => steps.Count - steps.Select(s => s.ToolName).Distinct(StringComparer.Ordinal).Count();

    List<TraceLlmStep> Steps()
    {
        if (_payload.Member("steps") is not { } steps) return [];
        if (steps.ValueKind != JsonValueKind.Array)
        {
            Add("list_type", "Input should be a valid list", "steps");
            return [];
        }
        return [.. steps.EnumerateArray().Select((step, i) => new TraceLlmSave(step, _now, [.. _at, "steps", i], _faults).Step(i + 1))];
    }

    /// <summary>One step; <paramref name="number"/> counts from 1.</summary>
    TraceLlmStep Step(int number)
    {
        if (_payload.ValueKind != JsonValueKind.Object)
            Add("model_attributes_type", "Input should be a valid dictionary or object to extract fields from");
        return new(
            Id("step_id") ?? $"step_{number}",
            Text("tool_name", TraceRules.LongestName) ?? Text("step_type", TraceRules.LongestName) ?? DefaultTool,
            TraceLlmStep.ObjectOf(_payload.Member("input") ?? _payload.Member("input_data")),
            TraceLlmStep.ObjectOf(_payload.Member("output") ?? _payload.Member("output_data")),
            Number("duration", MostMilliseconds) ?? 0,
            Bool("success") ?? true,
            TraceLlmTrace.TimeOf(Time("timestamp", "created_at") ?? _now));
    }

    /// <summary>The number-th step alone, as the log holds it.</summary>
    public static TraceLlmStep StepOf(JsonElement step, int number, DateTimeOffset now) => new TraceLlmSave(step, now, [], []).Step(number);

    /// <summary>What anybody said: a text as it is, anything else as its JSON.</summary>
    string? Words(string name)
    {
        var sanitised = false;
        return _payload.Member(name) switch
        {
            null => null,
            { ValueKind: JsonValueKind.String } text => LenientText.Of(text, ref sanitised),
            { } other => LenientText.JsonOf(other, ref sanitised),
        };
    }

    string? Text(string name, int? longest)
    {
        var sanitised = false;
        if (_payload.Member(name) is not { } value) return null;
        if (value.ValueKind != JsonValueKind.String)
        {
            Add("string_type", "Input should be a valid string", name);
            return null;
        }
        var text = LenientText.Of(value, ref sanitised);
        if (text.Length > longest) Add("string_too_long", $"String should have at most {longest} characters", name);
        return text.Length == 0 ? null : text;
    }

    /// <summary>An id is kept as it is or refused, never mended.</summary>
    string? Id(params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (_payload.Member(name) is not { } value || value.ValueKind == JsonValueKind.String && value.ValueEquals("")) continue;
            if (value.ValueKind == JsonValueKind.Number) return value.GetRawText();
            if (value.ValueKind == JsonValueKind.String && !LenientText.IsClean(value))
                Add("string_unicode", "Input should be a valid string, without NUL or half of a surrogate pair", name);
            else return Text(name, TraceRules.LongestTraceId);
        }
        return null;
    }

    /// <summary>Numbers, and texts that hold one.</summary>
    double? Number(string name, double most)
    {
        if (_payload.Member(name) is not { } value) return null;
        if (!TryNumber(value, out var number)) Add("float_parsing", "Input should be a valid number, unable to parse string as a number", name);
        else if (number < 0) Add("greater_than_equal", "Input should be greater than or equal to 0", name, new { ge = 0 });
        else if (number > most) Add("less_than_equal", $"Input should be less than or equal to {most:0}", name, new { le = most });
        else return number;
        return null;
    }

    long? Whole(string name, long most)
    {
        if (_payload.Member(name) is not { } value) return null;
        if (!TryNumber(value, out var number) || number != Math.Floor(number)) Add("int_parsing", "Input should be a valid integer, unable to parse string as an integer", name);
        else if (number < 0) Add("greater_than_equal", "Input should be greater than or equal to 0", name, new { ge = 0 });
        else if (number > most) Add("less_than_equal", $"Input should be less than or equal to {most}", name, new { le = most });
        else return (long)number;
        return null;
    }

    static bool TryNumber(JsonElement value, out double number)
    {
        number = 0;
        var text = value.ValueKind switch
        {
            JsonValueKind.Number => value.GetRawText(),
            JsonValueKind.String when LenientText.IsClean(value) => value.GetString()!.Trim(),
            _ => "",
        };
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out number) && double.IsFinite(number);
    }

    bool? Bool(string name)
    {
        switch (_payload.Member(name))
        {
            case null: return null;
            case { ValueKind: JsonValueKind.True }: return true;
            case { ValueKind: JsonValueKind.False }: return false;
            default:
                Add("bool_type", "Input should be a valid boolean", name);
                return null;
        }
    }

    /// <summary>Without a zone it is UTC; outside of what is believed it is moved to the nearer bound, as everywhere.</summary>
    DateTimeOffset? Time(params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (_payload.Member(name) is not { } value) continue;
            if (value.ValueKind == JsonValueKind.String && LenientText.IsClean(value) && Times.TryParseAsUtc(value.GetString()!, out var time))
                return time < TraceRules.EarliestTime ? TraceRules.EarliestTime : time > _now + TraceRules.FurthestFuture ? _now + TraceRules.FurthestFuture : time;
            Add("datetime_parsing", "Input should be a valid datetime, in ISO 8601", name);
            return null;
        }
        return null;
    }

    /// <summary>A secret does not go into the log, and so does not come out: what is shown is enough to tell keys apart.</summary>
    public static string? Masked(string? key) => key is null ? null
        : key.Contains('…', StringComparison.Ordinal) ? key
        : Domain.Projects.ApiKey.PrefixOf(key) is { Length: > 0 } prefix ? Domain.Projects.ApiKey.Mask(prefix.ToString(), key[^4..])
        : "…";

    void Add(string type, string message, string? field = null, object? ctx = null) =>
        _faults.Add(new(type, field is null ? _at : [.. _at, field], message, field is null ? null : Shown(_payload.Member(field)), ctx));

    /// <summary>What was sent, as pydantic shows it; long things would only make the answer long.</summary>
    static object? Shown(JsonElement? value)
    {
        var sanitised = false;
        return value switch
        {
            { ValueKind: JsonValueKind.String } text => LenientText.Of(text, ref sanitised) is { Length: <= 100 } said ? said : null,
            { ValueKind: JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False } other => other.Clone(),
            _ => null,
        };
    }
}
