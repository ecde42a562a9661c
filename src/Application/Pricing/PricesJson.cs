using System.Text.Json;
using Hindcast.Domain.Pricing;

namespace Hindcast.Application.Pricing;

/// <summary>Prices as their facts hold them: pico-USD per token, so that what is read is what was meant to the last digit.</summary>
static class PricesJson
{
    static readonly JsonSerializerOptions s_json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    sealed record Entry(
        string Model, string? Provider, DateTimeOffset ValidFrom, DateTimeOffset KnownFrom, long Input, long Output, long? CacheRead, long? CacheWrite5m, long? CacheWrite1h);

    public static byte[] Write(IEnumerable<Price> prices) => JsonSerializer.SerializeToUtf8Bytes(
        prices.Select(p => new Entry(p.Model, p.Provider, p.ValidFrom, p.Known, p.Input, p.Output, p.CacheRead, p.CacheWrite5m, p.CacheWrite1h)), s_json);

    public static IReadOnlyList<Price> Read(ReadOnlySpan<byte> json) => [.. JsonSerializer.Deserialize<List<Entry>>(json, s_json)!
        .Select(e => new Price(e.Model, e.ValidFrom, e.Input, e.Output, e.CacheRead, e.CacheWrite5m, e.CacheWrite1h, e.Provider, e.KnownFrom))];
}
