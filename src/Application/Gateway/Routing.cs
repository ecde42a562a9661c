namespace Hindcast.Application.Gateway;

/// <summary>Where a call goes: a provider, and the model by that provider's name.</summary>
public sealed record Route(Provider Provider, string Model);

/// <summary>
/// From the model a caller names to a provider. <c>slug/model</c> goes to the provider of that slug; a bare name to the provider that lists it,
/// else to one of the kind the name is known for. A project's own providers come before those of the settings, and hide them by slug.
/// </summary>
public sealed class Routing(GatewaySettings settings)
{
    /// <exception cref="ModelNotFound">Nobody here serves it.</exception>
    /// <exception cref="NoProvider">The name is known, but the project has no provider for it.</exception>
    public Route Of(string project, string model)
    {
        var providers = Providers(project);
        var slash = model.IndexOf('/');
        if (slash > 0 && providers.FirstOrDefault(p => p.Slug == model[..slash]) is { } named)
            return slash + 1 < model.Length ? new(named, model[(slash + 1)..]) : throw new ModelNotFound(model);
        if (providers.FirstOrDefault(p => p.Models.Contains(model)) is { } listed) return new(listed, model);

        // "openai/gpt-4o" without a provider of that slug: the vendor's name says as much as the model's.
        var (vendor, bare) = slash > 0 && Protocols.KindNamed(model[..slash]) is { } v ? (v, model[(slash + 1)..]) : ((UpstreamKind?)null, model);
        if ((vendor ?? KindOf(bare)) is not { } kind) throw new ModelNotFound(model);
        return OfKind(providers, kind) is { } provider ? new(provider, bare) : throw new NoProvider(kind.Name());
    }

    /// <summary>The provider that a question without a model goes to.</summary>
    /// <exception cref="NoProvider">There is none.</exception>
    public Provider Of(string project, UpstreamKind kind) => OfKind(Providers(project), kind) ?? throw new NoProvider(kind.Name());

    IReadOnlyList<Provider> Providers(string project) =>
        settings.Of(project).Providers is { IsEmpty: false } own ? [.. own, .. settings.FromSettings.Where(shared => own.All(p => p.Slug != shared.Slug))] : settings.FromSettings;

    /// <summary>The one that is called like its kind, else the first.</summary>
    static Provider? OfKind(IReadOnlyList<Provider> providers, UpstreamKind kind) =>
        providers.FirstOrDefault(p => p.Kind == kind && p.Slug == kind.Name()) ?? providers.FirstOrDefault(p => p.Kind == kind);

    /// <summary>The names the two vendors give their models.</summary>
    static UpstreamKind? KindOf(string model)
    {
        if (model.StartsWith("claude-", StringComparison.Ordinal)) return UpstreamKind.Anthropic;
        if (model.StartsWith("gpt-", StringComparison.Ordinal) || model.StartsWith("chatgpt-", StringComparison.Ordinal)
            || model.StartsWith("text-embedding-", StringComparison.Ordinal)) return UpstreamKind.OpenAi;
        return model.Length > 1 && model[0] == 'o' && char.IsAsciiDigit(model[1]) ? UpstreamKind.OpenAi : null;
    }
}
