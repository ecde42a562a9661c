using Hindcast.Application.Audit;
using Hindcast.Application.Projects;
using Hindcast.Domain.Gateway;
using MediatR;

namespace Hindcast.Application.Gateway;

/// <exception cref="BadRequest">A figure is out of its range; names it.</exception>
public sealed record SetGatewayPolicy(Caller By, string? Project, GatewayPolicy Policy) : IRequest, IAudited
{
    public Deed? Deed(object? answer) => new(By, "policy.set", "gateway", Project);

    internal sealed class Handler(GatewaySettings settings) : AsyncRequestHandler<SetGatewayPolicy>
    {
        protected override Task Handle(SetGatewayPolicy command, CancellationToken ct)
        {
            var p = command.Policy;
            In("attempts", p.Attempts, 1, GatewayPolicy.MostAttempts);
            In("backoff_ms", p.BackoffMs, 0, 60_000);
            In("longest_backoff_ms", p.LongestBackoffMs, 0, 300_000);
            In("cache_ttl_seconds", p.CacheTtlSeconds, 1, 30 * 24 * 3_600);
            In("fallbacks", p.Fallbacks.Count, 0, GatewayPolicy.MostFallbacks);
            return settings.SaveAsync(command.By, command.By.Managed(command.Project), p, ct);
        }

        static void In(string name, long value, long least, long most)
        {
            if (value < least || value > most) throw new BadRequest(name, $"{name} must be from {least} to {most}.");
        }
    }
}

public sealed record GetGatewayPolicy(Caller By, string? Project) : IRequest<GatewayPolicy>
{
    internal sealed class Handler(GatewaySettings settings) : IRequestHandler<GetGatewayPolicy, GatewayPolicy>
    {
        public Task<GatewayPolicy> Handle(GetGatewayPolicy query, CancellationToken ct) => Task.FromResult(settings.Of(query.By.Managed(query.Project)).Policy);
    }
}
