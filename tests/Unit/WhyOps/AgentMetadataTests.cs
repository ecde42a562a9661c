using System.Security.Cryptography;
using System.Text;
using Hindcast.Application.Agents;

namespace Hindcast.Unit.WhyOps;

public sealed class AgentMetadataTests
{
    [Fact]
    public void The_hash_recorded_from_the_original() =>
        new AgentMetadata("You are helpful.", [], null).Hash().Should().Be("dc2786339467f8d3b43d1fade52510f6");

    [Fact]
    public void It_is_over_what_a_javascript_client_would_write()
    {
        const string Json =
            "{\"systemPrompt\":\"a\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f\u007f\u2028<é😀/\",\"tools\":[{\"name\":\"x\",\"inputSchema\":\"{}\",\"outputSchema\":\"{}\",\"description\":\"d\"},{\"name\":\"y\"}],\"description\":\"\"}";
        new AgentMetadata("a\"\\\b\f\n\r\t\u0001\u001f\u007f\u2028<é😀/", [new("x", "{}", "{}", "d"), new("y", null, null, null)], "").Hash()
            .Should().Be(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Json)))[..32]);
    }

    [Fact]
    public void An_empty_description_is_another_version() =>
        new AgentMetadata("p", [], "").Hash().Should().NotBe(new AgentMetadata("p", [], null).Hash());
}
