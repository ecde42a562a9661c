using Hindcast.Application.Audit;
using Hindcast.Application.EventSourcing;
using Hindcast.Domain.Projects;
using MediatR;

namespace Hindcast.Application.Projects;

/// <summary>Issues a key in place of another, which goes on working for the overlap, so that nothing stands still while it is handed out.</summary>
/// <exception cref="NotFound">No such key, or not the caller's to manage.</exception>
/// <exception cref="KeyIsRevoked">Of a key that is revoked nothing follows.</exception>
/// <exception cref="KeyIsRotated">It has a successor; that one can be rotated.</exception>
public sealed record RotateKey(Caller By, string Id, TimeSpan Overlap) : IRequest<IssuedKey>, IAudited
{
    public static readonly TimeSpan DefaultOverlap = TimeSpan.FromHours(24);
    public static readonly TimeSpan LongestOverlap = TimeSpan.FromDays(90);

    public Deed? Deed(object? answer) => new(By, "key.rotate", Id, (answer as IssuedKey)?.Row.Project);

    internal sealed class Handler(Streams streams, IVault vault, KeyRing ring, TimeProvider clock) : IRequestHandler<RotateKey, IssuedKey>
    {
        public async Task<IssuedKey> Handle(RotateKey command, CancellationToken ct)
        {
            if (command.Overlap < TimeSpan.Zero || command.Overlap > LongestOverlap)
                throw new BadRequest("overlap_hours", $"overlap_hours must be from 0 to {LongestOverlap.TotalHours}.");
            var old = ring.Managed(command.By, command.Id);
            var now = Streams.Micros(clock.GetUtcNow());
            var until = Streams.Micros(now + command.Overlap);
            if (old.IsExpired(now)) throw new BadRequest("id", "An expired key is not rotated; create a new one.");
            var issued = IssuedKey.Mint(old.Prefix, (id, hash, lastFour) => old with
            {
                Id = id, Hash = hash, LastFour = lastFour, Created = now, LastUsed = null, RotatedTo = null, ValidUntil = null,
            });

            await streams.DecideAsync(KeyStream.Of(old.Project), facts =>
            {
                if (facts.RevokedAt(old.Id) is not null) throw new KeyIsRevoked(old.Id);
                if (facts.Facts<KeyRotated>().FirstOrDefault(f => f.Said.KeyId == old.Id).Said is { } rotated && ring.Row(rotated.NewKeyId) is not null)
                    throw new KeyIsRotated(old.Id, rotated.NewKeyId);
                return
                [
                    KeyStream.Draft(CreateKey.FactOf(issued.Row), command.By, old.Project, now),
                    KeyStream.Draft(new KeyRotated(old.Id, issued.Row.Id, until), command.By, old.Project, now),
                ];
            }, ct);

            var rotatedOld = old with { RotatedTo = issued.Row.Id, ValidUntil = until };
            await vault.SaveAsync([issued.Row, rotatedOld], ct);
            ring.Put(issued.Row);
            ring.Put(rotatedOld);
            return issued;
        }
    }
}
