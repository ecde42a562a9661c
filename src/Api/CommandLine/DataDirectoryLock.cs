using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;

namespace Hindcast.Api.CommandLine;

/// <summary>Who works on a data directory. <paramref name="Address"/> is null while a server starts and while a command works on the files.</summary>
internal sealed record DataDirectoryHolder(int Pid, string? Address);

/// <summary>A data directory belongs to one process at a time.</summary>
internal sealed class DataDirectoryInUse(string directory, DataDirectoryHolder holder) : Exception(
    $"The data directory '{directory}' is in use by process {holder.Pid}{(holder.Address is { } at ? $", which serves at {at}" : "")}. Only one process may work on it: stop that one first.");

/// <summary>
/// <c>hindcast.lock</c> in the data directory: locked by the process that works there, for as long as it lives, and holding its id and
/// address for those who want to talk to it. The operating system takes the lock from a dead process, so what such a one wrote does not
/// count. The file stays: removing it would let two processes lock two files of one name.
/// </summary>
internal sealed class DataDirectoryLock : IDisposable
{
    public const string FileName = "hindcast.lock";

    static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web);

    readonly FileStream _file;

    DataDirectoryLock(FileStream file) => _file = file;

    /// <exception cref="DataDirectoryInUse">Somebody else works there.</exception>
    public static DataDirectoryLock Take(string directory)
    {
        Directory.CreateDirectory(directory);
        var path = Path.Combine(directory, FileName);
        if (TryOpen(path, FileMode.OpenOrCreate) is not { } file) throw new DataDirectoryInUse(Path.GetFullPath(directory), Read(path));
        var held = new DataDirectoryLock(file);
        held.Announce(null);
        return held;
    }

    /// <summary>Who works on a directory now; null when nobody does.</summary>
    public static DataDirectoryHolder? Find(string directory)
    {
        var path = Path.Combine(directory, FileName);
        if (!File.Exists(path)) return null;
        if (TryOpen(path, FileMode.Open) is not { } free) return Read(path);
        free.Dispose();
        return null;
    }

    /// <summary>Writes down where this process can be reached.</summary>
    public void Announce(string? address)
    {
        _file.SetLength(0);
        _file.Write(JsonSerializer.SerializeToUtf8Bytes(new DataDirectoryHolder(Environment.ProcessId, address), s_json));
        _file.Flush(flushToDisk: true);
    }

    public void Dispose()
    {
        _file.SetLength(0);
        _file.Dispose();
    }

    static FileStream? TryOpen(string path, FileMode mode)
    {
        try
        {
            // On Windows sharing for reading keeps other writers out; elsewhere only sharing nothing is a lock that excludes.
            return new(path, mode, FileAccess.ReadWrite, OperatingSystem.IsWindows() ? FileShare.Read : FileShare.None);
        }
        catch (IOException e) when (e.GetType() == typeof(IOException))
        {
            return null;
        }
    }

    /// <summary>Reads past the lock: .NET opens no file without asking for a lock of its own, which the holder's excludes.</summary>
    static DataDirectoryHolder Read(string path)
    {
        try
        {
            using var stream = OperatingSystem.IsWindows()
                ? new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite)
                : new FileStream(new SafeFileHandle(open(path, 0), ownsHandle: true), FileAccess.Read);
            return JsonSerializer.Deserialize<DataDirectoryHolder>(stream, s_json) ?? new(0, null);
        }
        catch (Exception e) when (e is JsonException or IOException or ArgumentException)
        {
            // Taken this moment, and not written yet.
            return new(0, null);
        }
    }

    [DllImport("libc", SetLastError = true, CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    static extern int open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);
}
