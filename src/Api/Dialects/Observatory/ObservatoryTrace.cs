using System.Text.Json;
using AutoMapper;
using Hindcast.Api.Native;
using Hindcast.Application.ReadModels;
using Hindcast.Application.Traces;
using Hindcast.Domain.Traces;

namespace Hindcast.Api.Dialects.Observatory;

/// <summary>A span as the LLM Observatory shows it: its 25 names, null members left out (contract 4.6). Durations ms, money USD.</summary>
public sealed class ObservatoryTrace
{
    public DateTime Ts { get; set; }
    public string TraceId { get; set; } = "";
    public string SpanId { get; set; } = "";
    public string? ParentSpanId { get; set; }
    public string? ServiceName { get; set; }
    public string? SpanName { get; set; }
    public string? Provider { get; set; }
    public string? Model { get; set; }
    public string? InputText { get; set; }
    public string? OutputText { get; set; }
    public long? PromptTokens { get; set; }
    public long? CompletionTokens { get; set; }
    public long? TotalTokens { get; set; }
    public decimal? PromptCostUsd { get; set; }
    public decimal? CompletionCostUsd { get; set; }
    public decimal? TotalCostUsd { get; set; }
    public long? DurationMs { get; set; }
    public long? TtftMs { get; set; }
    public string StatusCode { get; set; } = "";
    public string? ErrorMessage { get; set; }
    public string? UserId { get; set; }
    public string? SessionId { get; set; }
    public string? Environment { get; set; }
    public IReadOnlyList<string>? Tags { get; set; }
    public Dictionary<string, JsonElement> Attributes { get; set; } = [];

    /// <summary>The names on the wire.</summary>
    public static IReadOnlySet<string> Names { get; } =
        typeof(ObservatoryTrace).GetProperties(System.Reflection.BindingFlags.Public | System.Reflection.BindingFlags.Instance)
            .Select(p => JsonNamingPolicy.SnakeCaseLower.ConvertName(p.Name)).ToHashSet(StringComparer.Ordinal);
}

/// <summary>Row to answer.</summary>
public sealed class ObservatoryTraceProfile : Profile
{
    public ObservatoryTraceProfile()
    {
        // No name of ours has underscores, so names are taken whole. Split at its capitals, ErrorMessage would be a Message of Error, and
        // looking for that among the extensions of texts the mapper fails at the generic ones of this runtime.
        DestinationMemberNamingConvention = new LowerUnderscoreNamingConvention();
        Map();
    }

    void Map() => CreateMap<SpanRow, ObservatoryTrace>()
        .ForMember(x => x.Ts, map => map.MapFrom(row => Time.At(row.StartedAt).UtcDateTime))
        .ForMember(x => x.ServiceName, map => map.MapFrom(row => row.Agent))
        .ForMember(x => x.SpanName, map => map.MapFrom(row => row.Name))
        .ForMember(x => x.InputText, map => map.MapFrom(row => PlainText.Of(row.Input)))
        .ForMember(x => x.OutputText, map => map.MapFrom(row => PlainText.Of(row.Output)))
        .ForMember(x => x.PromptTokens, map => map.MapFrom(row => Usage.Add(Usage.Add(row.InputTokens, row.CacheReadTokens), Usage.Add(row.CacheWrite5mTokens, row.CacheWrite1hTokens))))
        .ForMember(x => x.CompletionTokens, map => map.MapFrom(row => row.OutputTokens))
        .ForMember(x => x.PromptCostUsd, map => map.MapFrom(row => TreeJson.UsdOf(Usage.Add(Usage.Add(row.InputCost, row.CacheReadCost), row.CacheWriteCost))))
        .ForMember(x => x.CompletionCostUsd, map => map.MapFrom(row => TreeJson.UsdOf(row.OutputCost)))
        .ForMember(x => x.TotalCostUsd, map => map.MapFrom(row => TreeJson.UsdOf(row.TotalCost)))
        .ForMember(x => x.DurationMs, map => map.MapFrom(row => Ms(row.Duration)))
        .ForMember(x => x.TtftMs, map => map.MapFrom(row => Ms(row.TimeToFirstToken)))
        .ForMember(x => x.StatusCode, map => map.MapFrom(row => CodeOf(row.Status)))
        .ForMember(x => x.ErrorMessage, map => map.MapFrom(row => row.Error))
        .ForMember(x => x.Tags, map => map.MapFrom(row => TagsOf(row)))
        .ForMember(x => x.Attributes, map => map.MapFrom(row => AttributesOf(row)));

    static string CodeOf(int status) => (SpanStatus)status switch
    {
        SpanStatus.Error => "ERROR",
        SpanStatus.Running => "UNSET",
        _ => "SUCCESS",
    };

    static long? Ms(long? micros) => micros is { } took ? (took + 500) / 1000 : null;

    static IReadOnlyList<string>? TagsOf(SpanRow row) => row.Attributes is null ? null
        : Application.Search.SpanCatalogue.TagsOf(JsonSerializer.Deserialize<JsonElement>(row.Attributes));

    static Dictionary<string, JsonElement> AttributesOf(SpanRow row)
    {
        var attributes = row.Attributes is null ? [] : JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(row.Attributes)!;
        attributes["project_id"] = JsonSerializer.SerializeToElement(row.Project);
        attributes["org_id"] = JsonSerializer.SerializeToElement("default");
        attributes["kind"] = JsonSerializer.SerializeToElement(row.Kind);
        return attributes;
    }
}
