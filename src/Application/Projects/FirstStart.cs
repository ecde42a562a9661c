using Hindcast.Domain.Projects;
using MediatR;

namespace Hindcast.Application.Projects;

/// <summary>
/// Before the first request: fills the ring from the vault, and where nobody could let anybody in, mints an admin key of the default
/// project. Its text is in the answer and nowhere else; whoever starts the process shows it once.
/// </summary>
public sealed class FirstStart(IVault vault, KeyRing ring, IMediator app, TimeProvider clock)
{
    /// <summary>How facts call who acts before there is a key, and at the command line.</summary>
    public static Caller Operator(string keyId) => new(Project.Default, keyId, Scopes.Admin, "development");

    /// <summary>Null when there is an admin key already, in the settings or in the vault.</summary>
    public async Task<IssuedKey?> RunAsync(CancellationToken ct)
    {
        await LoadAsync(ct);
        var now = clock.GetUtcNow();
        if (ring.HasSetKey || ring.Rows.Any(row => row.Scopes.HasFlag(Scopes.Admin) && row.Project == Project.Default && row.Works(now))) return null;
        return await app.Send(new CreateKey(Operator("first_start")) { Name = "First admin key", Scopes = Scopes.Admin }, ct);
    }

    /// <summary>Fills the ring and mints nothing: for the command line, on the files of a stopped server.</summary>
    public async Task LoadAsync(CancellationToken ct)
    {
        foreach (var row in await vault.KeysAsync(ct)) ring.Put(row);
    }
}
