using Hindcast.Application.Audit;
using Hindcast.Application.EventSourcing;
using Hindcast.Domain.Projects;
using MediatR;

namespace Hindcast.Application.Projects;

/// <summary>Ends a key at once and for good. Revoking it again changes nothing.</summary>
/// <exception cref="NotFound">No such key, or not the caller's to manage.</exception>
public sealed record RevokeKey(Caller By, string Id) : IRequest<KeyRow>, IAudited
{
    public Deed? Deed(object? answer) => new(By, "key.revoke", Id, (answer as KeyRow)?.Project);

    internal sealed class Handler(Streams streams, IVault vault, KeyRing ring, TimeProvider clock) : IRequestHandler<RevokeKey, KeyRow>
    {
        public async Task<KeyRow> Handle(RevokeKey command, CancellationToken ct)
        {
            var row = ring.Managed(command.By, command.Id);
            var revoked = Streams.Micros(clock.GetUtcNow());

            // A fact without its row is what a crash left: the row is written whether the fact is new or not.
            await streams.DecideAsync(KeyStream.Of(row.Project), facts =>
            {
                if (facts.RevokedAt(row.Id) is not { } before) return [KeyStream.Draft(new KeyRevoked(row.Id), command.By, row.Project, revoked)];
                revoked = before;
                return [];
            }, ct);

            row = row with { Revoked = revoked };
            await vault.SaveAsync([row], ct);
            ring.Put(row);
            return row;
        }
    }
}
