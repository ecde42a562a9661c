using System.Globalization;

namespace Hindcast.Bench;

/// <summary>What a figure was measured on.</summary>
static class Machine
{
    public static string Describe()
    {
        var load = File.Exists("/proc/loadavg") ? File.ReadAllText("/proc/loadavg").Split(' ')[0] : "?";
        return string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessorCount} cores, load {load}, .NET {Environment.Version}");
    }
}
