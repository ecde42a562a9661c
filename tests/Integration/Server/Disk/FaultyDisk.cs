using System.Diagnostics;
using Hindcast.Bench;

namespace Hindcast.Integration.Server.Disk;

/// <summary>
/// A server on a disk that can lose power and fail: <c>faulty-disk.c</c>, compiled here and preloaded. What survives a power cut is kept beside
/// the data directory, and put in its place when the power comes back.
/// </summary>
sealed class FaultyDisk : IAsyncDisposable
{
    readonly string _root = Directory.CreateTempSubdirectory("hindcast-disk-").FullName;

    Dictionary<string, string> _settings = [];

    FaultyDisk() { }

    public string Data => Path.Combine(_root, "data");
    string Durable => Path.Combine(_root, "durable");
    string Library => Path.Combine(_root, "faulty-disk.so");

    public static FaultyDisk Make()
    {
        var disk = new FaultyDisk();
        Directory.CreateDirectory(disk.Data);
        Directory.CreateDirectory(disk.Durable);
        disk.Compile();
        return disk;
    }

    /// <summary>The environment of a process that lives on this disk while it does not fail.</summary>
    public IReadOnlyDictionary<string, string> Sound() => With();

    /// <summary>The same with faults, such as <c>DISK_FAIL_SYNC=3</c>; see <c>faulty-disk.c</c>.</summary>
    public IReadOnlyDictionary<string, string> With(params (string Name, string Value)[] faults)
    {
        _settings = new() { ["LD_PRELOAD"] = Library, ["DISK_DIR"] = Data, ["DISK_DURABLE"] = Durable };
        foreach (var (name, value) in faults) _settings[name] = value;
        return _settings;
    }

    /// <summary>The next process on it finds it sound.</summary>
    public void Mend()
    {
        foreach (var fault in (ReadOnlySpan<string>)["DISK_FAIL_SYNC", "DISK_FAIL_WRITE", "DISK_LIE"]) _settings.Remove(fault);
    }

    /// <summary>Only what was synced is there when the power comes back. Call it while no process runs.</summary>
    public void LosePower()
    {
        foreach (var file in Directory.GetFiles(Data, "*.db*")) File.Delete(file);
        foreach (var file in Directory.GetFiles(Durable)) File.Copy(file, Path.Combine(Data, Path.GetFileName(file)));
    }

    void Compile()
    {
        var source = Path.Combine(AppContext.BaseDirectory, "faulty-disk.c");
        try
        {
            using var gcc = Process.Start(new ProcessStartInfo("gcc", ["-shared", "-fPIC", "-O2", "-o", Library, source, "-ldl", "-lpthread"]))!;
            gcc.WaitForExit();
            gcc.ExitCode.Should().Be(0, "the disk compiles");
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Missing("no gcc: the disk that fails cannot be compiled");
        }
        if (!OperatingSystem.IsLinux()) Missing("a library is preloaded on Linux only");
    }

    static void Missing(string why)
    {
        if (Environment.GetEnvironmentVariable("CI") == "true") throw new InvalidOperationException($"In CI nothing is skipped: {why}.");
        Assert.Skip(why);
    }

    public ValueTask DisposeAsync()
    {
        Directory.Delete(_root, recursive: true);
        return ValueTask.CompletedTask;
    }
}
