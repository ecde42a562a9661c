using System.Reflection;

namespace Hindcast.Api.Native;

/// <summary>
/// The console's files as its build left them in an assembly, this one, each plain and, where it gains, as gzip and brotli. Built without Node there
/// are none, and everything else works.
/// </summary>
internal sealed class ConsoleFiles
{
    const string Prefix = "console/";

    static readonly Dictionary<string, string> s_types = new(StringComparer.Ordinal)
    {
        [".js"] = "text/javascript; charset=utf-8",
        [".css"] = "text/css; charset=utf-8",
        [".woff2"] = "font/woff2",
        [".svg"] = "image/svg+xml",
    };

    readonly Assembly _assembly;
    readonly HashSet<string> _names;

    /// <summary>The page all others grow from, cut where the nonce of an answer belongs; null without a console.</summary>
    readonly string[]? _page;

    public ConsoleFiles(Assembly assembly)
    {
        _assembly = assembly;
        _names = [.. assembly.GetManifestResourceNames().Where(n => n.StartsWith(Prefix, StringComparison.Ordinal))];
        _page = Page();
    }

    /// <summary>The page with this nonce; null when this build has no console.</summary>
    public string? PageWith(string nonce) => _page is null ? null : string.Join(nonce, _page);

    /// <summary>A file of the build by its name, in the smallest form the caller reads; null when there is none.</summary>
    public (Stream Content, string Type, string? Encoding)? Asset(string file, string accepted)
    {
        var name = $"{Prefix}assets/{file}";
        if (!_names.Contains(name) || !s_types.TryGetValue(Path.GetExtension(file), out var type)) return null;
        foreach (var (suffix, encoding) in (ReadOnlySpan<(string, string)>)[(".br", "br"), (".gz", "gzip")])
            if (_names.Contains(name + suffix) && Accepts(accepted, encoding)) return (Open(name + suffix), type, encoding);
        return (Open(name), type, null);
    }

    static bool Accepts(string accepted, string encoding) => accepted.Split(',', StringSplitOptions.TrimEntries)
        .Any(a => a.Equals(encoding, StringComparison.OrdinalIgnoreCase) || (a.StartsWith(encoding + ";", StringComparison.OrdinalIgnoreCase) && !a.EndsWith("q=0", StringComparison.Ordinal)));

    Stream Open(string name) => _assembly.GetManifestResourceStream(name)!;

    string[]? Page()
    {
        if (!_names.Contains(Prefix + "index.html")) return null;
        using var reader = new StreamReader(Open(Prefix + "index.html"));
        return reader.ReadToEnd().Split("__NONCE__");
    }
}
