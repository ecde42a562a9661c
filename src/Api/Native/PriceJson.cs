using System.Runtime.InteropServices;
using System.Text.Json;
using Hindcast.Application.Payloads;
using Hindcast.Domain.Pricing;

namespace Hindcast.Api.Native;

/// <summary>A price on the wire: USD per million tokens, with at most six digits behind the point.</summary>
internal sealed record PriceJson(
    string? Provider, string Model, DateTime ValidFrom, DateTime KnownFrom, decimal InputPerMillionUsd, decimal OutputPerMillionUsd, decimal? CacheReadPerMillionUsd,
    [property: System.Text.Json.Serialization.JsonPropertyName(PriceJson.CacheWrite5m)] decimal? CacheWrite5mPerMillionUsd,
    [property: System.Text.Json.Serialization.JsonPropertyName(PriceJson.CacheWrite1h)] decimal? CacheWrite1hPerMillionUsd, string Source)
{
    const string CacheWrite5m = "cache_write_5m_per_million_usd";
    const string CacheWrite1h = "cache_write_1h_per_million_usd";
    const decimal Pico = 1_000_000m;
    const decimal MostUsd = 1_000_000m;
    const int LongestName = 255;

    public static PriceJson Of(Price p, string source) => new(
        p.Provider, p.Model, p.ValidFrom.UtcDateTime, p.Known.UtcDateTime, p.Input / Pico, p.Output / Pico, p.CacheRead / Pico, p.CacheWrite5m / Pico, p.CacheWrite1h / Pico, source);

    /// <summary>Null when something is wrong with it; <paramref name="faults"/> name what.</summary>
    public static Price? Read(JsonElement element, List<Fault> faults)
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            faults.Add(new("", "not_an_object", "A price must be an object."));
            return null;
        }
        if (PayloadRules.Check(JsonMarshal.GetRawUtf8Value(element)) is { } fault)
        {
            faults.Add(fault);
            return null;
        }
        var (model, provider) = (Text(element, "model", required: true, faults), Text(element, "provider", required: false, faults));
        var (valid, known) = (Moment(element, "valid_from", required: true, faults), Moment(element, "known_from", required: false, faults));
        if (valid is { } at && at.Ticks % TimeSpan.TicksPerMinute != 0)
            faults.Add(new("valid_from", "not_a_whole_minute", "valid_from must be a whole minute: requests are counted by minutes, and a minute has one price."));
        var (input, output) = (Usd(element, "input_per_million_usd", required: true, faults), Usd(element, "output_per_million_usd", required: true, faults));
        var (read, write5m, write1h) = (
            Usd(element, "cache_read_per_million_usd", required: false, faults), Usd(element, CacheWrite5m, required: false, faults), Usd(element, CacheWrite1h, required: false, faults));
        return faults.Count == 0 ? new(model!, valid!.Value, input!.Value, output!.Value, read, write5m, write1h, provider, known) : null;
    }

    static string? Text(JsonElement element, string name, bool required, List<Fault> faults)
    {
        if (Member(element, name, required, faults) is not { } value) return null;
        if (value.ValueKind == JsonValueKind.String && LenientText.IsClean(value) && value.GetString() is { Length: > 0 and <= LongestName } text) return text;
        faults.Add(new(name, "invalid", $"{name} must be a text of 1 to {LongestName} characters without NUL."));
        return null;
    }

    static DateTimeOffset? Moment(JsonElement element, string name, bool required, List<Fault> faults)
    {
        if (Member(element, name, required, faults) is not { } value) return null;
        if (value.ValueKind == JsonValueKind.String && LenientText.IsClean(value) && value.GetString() is { Length: > 0 } text
            && Times.TryParseAsUtc(text, out var time) && time.Year is >= 2000 and < 2200)
            return new(time.UtcTicks / TimeSpan.TicksPerMicrosecond * TimeSpan.TicksPerMicrosecond, TimeSpan.Zero);
        faults.Add(new(name, "invalid", $"{name} must be an ISO 8601 date or time from 2000 on."));
        return null;
    }

    static long? Usd(JsonElement element, string name, bool required, List<Fault> faults)
    {
        if (Member(element, name, required, faults) is not { } value) return null;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out var usd) && usd is >= 0 and <= MostUsd && usd * Pico == decimal.Truncate(usd * Pico)) return (long)(usd * Pico);
        faults.Add(new(name, "invalid", $"{name} must be a number from 0 to {MostUsd:0} with at most six digits behind the point."));
        return null;
    }

    /// <summary>Null is as good as absent.</summary>
    static JsonElement? Member(JsonElement element, string name, bool required, List<Fault> faults)
    {
        if (element.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null) return value;
        if (required) faults.Add(new(name, "required", $"{name} is required."));
        return null;
    }
}
