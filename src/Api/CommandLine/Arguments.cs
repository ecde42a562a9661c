using System.Globalization;

namespace Hindcast.Api.CommandLine;

/// <summary>The command was not understood; the message is for whoever typed it.</summary>
internal sealed class WrongUsage(string message) : Exception(message);

/// <summary>The command was understood and could not be done.</summary>
internal sealed class Failed(string message) : Exception(message);

/// <summary>The words of a command and its options: <c>--name value</c>, <c>--name=value</c>, and switches without a value.</summary>
internal sealed class Arguments
{
    /// <summary>What every command takes: where the files are, where the server is, and the key to it.</summary>
    static readonly string[] s_everywhere = ["data-directory", "url", "key"];

    readonly Dictionary<string, string> _options = new(StringComparer.Ordinal);
    readonly HashSet<string> _switches = new(StringComparer.Ordinal);

    public List<string> Words { get; } = [];

    public static Arguments Parse(IEnumerable<string> args, string[] options, string[] switches)
    {
        var parsed = new Arguments();
        using var arg = args.GetEnumerator();
        while (arg.MoveNext())
        {
            if (!arg.Current.StartsWith("--", StringComparison.Ordinal))
            {
                parsed.Words.Add(arg.Current);
                continue;
            }
            var name = arg.Current[2..];
            var equals = name.IndexOf('=', StringComparison.Ordinal);
            var value = equals < 0 ? null : name[(equals + 1)..];
            if (equals >= 0) name = name[..equals];

            if (switches.Contains(name) && value is null) parsed._switches.Add(name);
            else if (!options.Contains(name) && !s_everywhere.Contains(name)) throw new WrongUsage($"There is no option --{name} here.");
            else if (value is null && !arg.MoveNext()) throw new WrongUsage($"--{name} needs a value.");
            else if (!parsed._options.TryAdd(name, value ?? arg.Current)) throw new WrongUsage($"--{name} is given twice.");
        }
        return parsed;
    }

    public string? Option(string name) => _options.GetValueOrDefault(name);

    public bool Switch(string name) => _switches.Contains(name);

    public double? Number(string name) => Option(name) is not { } text ? null
        : double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) ? number
        : throw new WrongUsage($"--{name} must be a number.");

    /// <summary>The one word a command is about.</summary>
    public string The(string what) => Words is [var word] ? word : throw new WrongUsage(Words.Count == 0 ? $"Which {what}?" : $"One {what} at a time.");

    public void NoWords()
    {
        if (Words.Count > 0) throw new WrongUsage($"'{Words[0]}' means nothing here.");
    }
}
