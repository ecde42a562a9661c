using System.Text.Json;
using Hindcast.Api.Native;
using Hindcast.Application.Payloads;
using Hindcast.Domain.Traces;

namespace Hindcast.Unit.Native;

public sealed class NativeUsageTests
{
    static Usage? Read(string usage, string? provider = null) => NativeUsage.Read(JsonDocument.Parse(usage).RootElement, provider);

    [Fact]
    public void Our_own_parts_are_disjoint_and_taken_as_they_are() =>
        Read("""{"input":1200,"cache_read":8200,"cache_write":300,"output":240,"reasoning":100,"total":9940}""").Should().Be(
            new Usage { Input = 1200, CacheRead = 8200, CacheWrite5m = 300, Output = 240, Reasoning = 100 });

    [Theory]
    [InlineData("""{"cache_write_5m":10,"cache_write_1h":20}""", 10L, 20L)]
    [InlineData("""{"cache_write":30,"cache_write_5m":10,"cache_write_1h":20}""", 10L, 20L)]
    [InlineData("""{"cache_write":35,"cache_write_5m":10,"cache_write_1h":20}""", 15L, 20L)]
    [InlineData("""{"cache_write":20,"cache_write_1h":20}""", null, 20L)]
    [InlineData("""{"cache_write":0}""", 0L, null)]
    public void Cache_writes_of_no_kind_are_the_five_minute_kind(string usage, long? minutes, long? hour)
    {
        var read = Read(usage)!;
        (read.CacheWrite5m, read.CacheWrite1h).Should().Be((minutes, hour));
    }

    [Theory]
    [InlineData("""{"prompt_tokens":9400,"completion_tokens":240,"cache_read":8200}""", null, 1200L)]
    [InlineData("""{"input_tokens":1200,"output_tokens":240,"cache_read":8200}""", "anthropic", 1200L)]
    [InlineData("""{"input_tokens":9400,"output_tokens":240,"cache_read":8200}""", "azure.openai", 1200L)]
    [InlineData("""{"input_tokens":9400,"output_tokens":240,"cache_read":8200,"total":9640}""", null, 1200L)]
    public void A_providers_own_names_are_split(string usage, string? provider, long input)
    {
        var read = Read(usage, provider)!;
        (read.Input, read.CacheRead, read.Output).Should().Be((input, 8200L, 240L));
    }

    [Fact]
    public void A_total_alone_is_unsplit_and_nothing_is_unknown()
    {
        Read("""{"total":7}""").Should().Be(new Usage { Unsplit = 7 });
        Read("""{"input":null,"output":null}""").Should().BeNull();
        Read("{}").Should().BeNull();
        Read("""{"input":0,"output":0}""").Should().Be(new Usage { Input = 0, Output = 0 });
    }

    [Theory]
    [InlineData("input", "-1", "out_of_range")]
    [InlineData("output", "1.5", "out_of_range")]
    [InlineData("total", "9007199254740992", "out_of_range")]
    [InlineData("cache_write_1h", "1e400", "out_of_range")]
    [InlineData("reasoning", "\"1\"", "wrong_type")]
    [InlineData("prompt_tokens", "true", "wrong_type")]
    public void What_is_no_count_is_named(string field, string value, string code)
    {
        var faults = new List<Fault>();
        NativeUsage.Check(JsonDocument.Parse($"{{\"{field}\":{value}}}").RootElement, faults);
        faults.Should().ContainSingle().Which.Should().Match<Fault>(f => f.Field == $"usage.{field}" && f.Code == code);
    }
}
