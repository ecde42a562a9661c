using System.IO.Compression;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Operations;

namespace Hindcast.Api.CommandLine;

/// <summary><c>hindcast log export FILE</c> and <c>hindcast log import FILE [--resume]</c>, on the files of a stopped server.</summary>
internal static class LogCommand
{
    public static Task<int> RunAsync(string verb, IEnumerable<string> args, Func<Arguments, Floor> floor) => verb switch
    {
        "verify" => ProjectionsCommand.VerifyLogAsync(floor(Arguments.Parse(args, [], []))),
        "export" => ExportAsync(floor(Arguments.Parse(args, [], []))),
        "import" => ImportAsync(floor(Arguments.Parse(args, [], ["resume"]))),
        _ => throw new WrongUsage($"There is no 'log {verb}'; there are verify, export and import."),
    };

    static async Task<int> ExportAsync(Floor floor)
    {
        var file = floor.Arguments.The("file");
        ProjectionsCommand.Alone(floor);
        if (File.Exists(file)) throw new Failed($"'{file}' is there already.");
        // Under its own name when it is whole.
        var half = file + ".part";
        var events = await floor.OnFilesAsync(services => floor.Terminal.ProgressAsync("Writing the log out", async report =>
        {
            await using var archive = new FileStream(half, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 16);
            await using var packed = IsPacked(file) ? new GZipStream(archive, CompressionLevel.Fastest) : (Stream)new BufferedStream(archive);
            return await LogArchive.WriteAsync(
                Stored(services), packed, new Each<(long Done, long All)>(p => report(p.All == 0 ? 1 : (double)p.Done / p.All, $"{p.Done} events")), CancellationToken.None);
        }));
        File.Move(half, file);
        floor.Terminal.Error.WriteLine($"{events} events are in '{file}'. Keys and secrets are not, nor the keys of what is sealed: bring 'vault.db' and 'kek' along.");
        return 0;
    }

    static async Task<int> ImportAsync(Floor floor)
    {
        var file = floor.Arguments.The("file");
        ProjectionsCommand.Alone(floor);
        if (!File.Exists(file)) throw new Failed($"There is no '{file}'.");
        try
        {
            var (added, report) = await floor.OnFilesAsync(services => floor.Terminal.ProgressAsync("Reading the log in", async report =>
            {
                await using var archive = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
                await using var plain = IsPacked(file) ? new GZipStream(archive, CompressionMode.Decompress) : (Stream)archive;
                var added = await new ImportLog(Stored(services), floor.Arguments.Switch("resume")).RunAsync(
                    LogArchive.ReadAsync(plain, CancellationToken.None), new Each<long>(n => report((double)archive.Position / archive.Length, $"{n} events")), CancellationToken.None);
                report(1, "checking");
                var verified = await ProjectionsCommand.Verifier(services).RunAsync(new Each<(LogPosition, LogPosition)>(_ => { }), CancellationToken.None);
                return (added, verified);
            }), create: true);
            foreach (var fault in report.Faults) floor.Terminal.Error.WriteLine(fault);
            if (report.Faults.Count > 0) throw new Failed("The log that was read in is damaged.");
            floor.Terminal.Error.WriteLine($"{added} events were added to log {report.LogId}; {report.Facts} facts in {report.Streams} streams verify. The read models are built again at the next start.");
            ProjectionsCommand.WarnOfLocked(report, floor);
            return 0;
        }
        catch (Exception e) when (e is BadArchive or TargetNotEmpty or InvalidDataException)
        {
            throw new Failed(e.Message);
        }
    }

    static bool IsPacked(string file) => file.EndsWith(".gz", StringComparison.OrdinalIgnoreCase);

    /// <summary>The log as it is stored, parts and all.</summary>
    static IEventLog Stored(IServiceProvider services) => services.GetRequiredService<IEventLog>() is PartedLog parted ? parted.Stored : services.GetRequiredService<IEventLog>();
}
