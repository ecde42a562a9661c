using Hindcast.Application.Gateway;
using Microsoft.Extensions.Configuration;

namespace Hindcast.Infrastructure.Upstreams;

/// <summary>
/// Providers of the settings, which every project may use: <c>Hindcast__Upstreams__&lt;slug&gt;__BaseUrl</c>, <c>…__ApiKey</c>, <c>…__Kind</c>
/// (<c>openai</c> or <c>anthropic</c>; a slug of that name needs none) and, separated by commas, <c>…__Models</c>.
/// </summary>
static class UpstreamOptions
{
    const string AllowPrivateNetworks = "AllowPrivateNetworks";

    static readonly Dictionary<UpstreamKind, string> s_home = new()
    {
        [UpstreamKind.OpenAi] = "https://api.openai.com/v1",
        [UpstreamKind.Anthropic] = "https://api.anthropic.com/v1",
    };

    public static bool MayBePrivate(IConfiguration upstreams) => upstreams.GetValue(AllowPrivateNetworks, false);

    /// <exception cref="InvalidOperationException">A setting has no meaning; the message names it, and no value.</exception>
    public static IReadOnlyList<Provider> Read(IConfiguration upstreams, IKeySeal seal)
    {
        var providers = new List<Provider>();
        foreach (var section in upstreams.GetChildren().Where(s => s.Key != AllowPrivateNetworks))
        {
            var slug = section.Key.ToLowerInvariant();
            if (!Provider.IsSlug(slug)) throw Wrong(section, "", "a slug has 1 to 64 small letters, digits, '_' and '-'");
            var kind = Protocols.KindNamed(section["Kind"] ?? slug) ?? throw Wrong(section, "Kind", "openai or anthropic");
            var baseUrl = Provider.Normalised(section["BaseUrl"] ?? s_home[kind]) ?? throw Wrong(section, "BaseUrl", "an http(s) address without user, query and fragment");
            if (section["ApiKey"] is not { Length: > 0 } key) throw Wrong(section, "ApiKey", "the provider's key");
            var provider = new Provider
            {
                Id = $"settings_{slug}", Slug = slug, Kind = kind, BaseUrl = baseUrl,
                Models = section["Models"]?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [],
            };
            providers.Add(provider with { SealedKey = seal.Close(key, provider.Binding) });
        }
        return providers;
    }

    static InvalidOperationException Wrong(IConfigurationSection section, string name, string wanted) => new($"Hindcast:Upstreams:{section.Key}:{name} must be {wanted}.");
}
