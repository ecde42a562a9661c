using Hindcast.Application.Erasure;

namespace Hindcast.Api.CommandLine;

/// <summary><c>hindcast erase --scrub</c>: leaves nothing in any file of what was erased, with a server or without.</summary>
internal static class EraseCommand
{
    public static async Task<int> RunAsync(Floor floor)
    {
        floor.Arguments.NoWords();
        if (!floor.Arguments.Switch("scrub")) throw new WrongUsage("'hindcast erase' needs --scrub; users and traces are erased through DELETE /api/v1/users/{id} and /api/v1/traces/{id}.");
        if (floor.FindServer() is { } server)
        {
            using (server) await server.SendAsync(HttpMethod.Post, "/api/v1/scrub", null);
        }
        else await floor.OnFilesAsync(async services =>
        {
            await services.GetRequiredService<Erasures>().ScrubStoppedAsync(CancellationToken.None);
            return true;
        });
        floor.Terminal.Error.WriteLine("The files of the read models and of the vault hold nothing of what was erased. Backups made before do.");
        return 0;
    }
}
