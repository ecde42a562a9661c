using Hindcast.Application.Audit;
using System.Security.Cryptography;
using System.Text;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Projects;
using Hindcast.Domain.Gateway;
using MediatR;

namespace Hindcast.Application.Gateway;

/// <summary>Adds a provider, or changes one: members that are null stay as they are.</summary>
/// <exception cref="BadRequest">A member has no meaning.</exception>
/// <exception cref="ProviderKeyNeeded">Address or kind would change under a key that was not given for them.</exception>
/// <exception cref="ProviderSlugTaken">Another provider of the project is called so.</exception>
/// <exception cref="NotFound">There is no such provider in the project.</exception>
public sealed record SaveProvider(Caller By, string? Project, string? Id) : IRequest<Provider>, IAudited
{
    const int MostModels = 100;

    public string? Slug { get; init; }
    public string? Kind { get; init; }
    public string? BaseUrl { get; init; }
    public IReadOnlyList<string>? Models { get; init; }
    public string? ApiKey { get; init; }

    public Deed? Deed(object? answer) => new(By, Id is null ? "provider.create" : "provider.change", Id ?? (answer as Provider)?.Id, Project);

    internal sealed class Handler(GatewaySettings settings, IKeySeal seal, TimeProvider clock) : IRequestHandler<SaveProvider, Provider>
    {
        public async Task<Provider> Handle(SaveProvider command, CancellationToken ct)
        {
            var (project, now) = (command.By.Managed(command.Project), Streams.Micros(clock.GetUtcNow()));
            var known = command.Id is null ? null : settings.Provider(project, command.Id);
            var provider = Changed(command, known, project, now);
            if (settings.Of(project).Providers.Exists(p => p.Slug == provider.Slug && p.Id != provider.Id)) throw new ProviderSlugTaken(provider.Slug);
            provider = command.ApiKey is { } key ? provider with
            {
                KeyVersion = provider.KeyVersion + (known is null ? 0 : 1),
                LastFour = key[^Math.Min(4, key.Length / 4)..],
                Fingerprint = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)).AsSpan(0, 8)),
            } : provider;
            provider = command.ApiKey is null ? provider : provider with { SealedKey = seal.Close(command.ApiKey, provider.Binding) };
            await settings.SaveAsync(command.By, project, provider, ct);
            return provider;
        }

        static Provider Changed(SaveProvider command, Provider? known, string project, DateTimeOffset now)
        {
            var slug = command.Slug ?? known?.Slug;
            if (!Provider.IsSlug(slug)) throw new BadRequest("slug", "slug must have 1 to 64 small letters, digits, '_' and '-'.");
            var kind = command.Kind is null && known is not null ? known.Kind
                : Protocols.KindNamed(command.Kind ?? slug) ?? throw new BadRequest("kind", "kind must be openai or anthropic.");
            var baseUrl = command.BaseUrl is null && known is not null ? known.BaseUrl
                : Provider.Normalised(command.BaseUrl) ?? throw new BadRequest("base_url", "base_url must be an https address without user, query and fragment.");
            if (command.Models is { Count: > MostModels } || command.Models?.Any(m => m.Length is 0 or > 255) == true)
                throw new BadRequest("models", $"models must be at most {MostModels} names of 1 to 255 characters.");
            CheckKey(command.ApiKey, needed: known is null);
            if (known is not null && command.ApiKey is null && (baseUrl != known.BaseUrl || kind != known.Kind)) throw new ProviderKeyNeeded();
            return (known ?? new() { Id = $"prov_{Guid.CreateVersion7(now):n}", Slug = slug!, Kind = kind, BaseUrl = baseUrl, Created = now, Project = project }) with
            {
                Slug = slug!, Kind = kind, BaseUrl = baseUrl, Models = command.Models ?? known?.Models ?? [], Updated = now,
            };
        }

        static void CheckKey(string? key, bool needed)
        {
            if (key is null && !needed) return;
            if (key is not { Length: >= 1 and <= Provider.LongestKey } || key.AsSpan().ContainsAnyExceptInRange('!', '~'))
                throw new BadRequest("api_key", $"api_key must have 1 to {Provider.LongestKey} printable ASCII characters.");
        }
    }
}

/// <exception cref="NotFound">There is no such provider in the project.</exception>
public sealed record DeleteProvider(Caller By, string? Project, string Id) : IRequest, IAudited
{
    public Deed? Deed(object? answer) => new(By, "provider.delete", Id, Project);

    internal sealed class Handler(GatewaySettings settings) : AsyncRequestHandler<DeleteProvider>
    {
        protected override Task Handle(DeleteProvider command, CancellationToken ct)
        {
            var project = command.By.Managed(command.Project);
            return settings.DeleteProviderAsync(command.By, project, settings.Provider(project, command.Id).Id, ct);
        }
    }
}

public sealed record ListProviders(Caller By, string? Project) : IRequest<IReadOnlyList<Provider>>
{
    internal sealed class Handler(GatewaySettings settings) : IRequestHandler<ListProviders, IReadOnlyList<Provider>>
    {
        public Task<IReadOnlyList<Provider>> Handle(ListProviders query, CancellationToken ct) =>
            Task.FromResult<IReadOnlyList<Provider>>(settings.Of(query.By.Managed(query.Project)).Providers);
    }
}

/// <summary>Asks a provider for its models: whether it is there and takes the key. The status it answers, or why it does not.</summary>
public sealed record TestProvider(Caller By, string? Project, string Id) : IRequest<(bool Success, int? Status, string Message)>, IAudited
{
    public Deed? Deed(object? answer) => new(By, "provider.test", Id, Project);

    internal sealed class Handler(GatewaySettings settings, Questions questions) : IRequestHandler<TestProvider, (bool Success, int? Status, string Message)>
    {
        public async Task<(bool Success, int? Status, string Message)> Handle(TestProvider command, CancellationToken ct)
        {
            var provider = settings.Provider(command.By.Managed(command.Project), command.Id);
            try
            {
                var answer = await questions.AskAsync(new(provider, Protocol.Models, default, false, []), ct);
                return answer.Status switch
                {
                    < 300 => (true, answer.Status, "The provider takes the key."),
                    401 or 403 => (false, answer.Status, "The provider refuses the key."),
                    _ => (false, answer.Status, $"The provider answers {answer.Status}."),
                };
            }
            catch (UpstreamFailed e)
            {
                return (false, null, e.Message);
            }
        }
    }
}

/// <summary>Puts every provider key of every project under a new key-encryption key. For administrators of the default project.</summary>
public sealed record RewrapProviderKeys(Caller By) : IRequest<int>, IAudited
{
    public Deed? Deed(object? answer) => new(By, "provider.rewrap", null);

    internal sealed class Handler(GatewaySettings settings, IKeySeal seal) : IRequestHandler<RewrapProviderKeys, int>
    {
        public Task<int> Handle(RewrapProviderKeys command, CancellationToken ct) => command.By.Project == Domain.Projects.Project.Default
            ? settings.RewrapAsync(command.By, seal, ct)
            : throw new NotFound("There is nothing here.");
    }
}
