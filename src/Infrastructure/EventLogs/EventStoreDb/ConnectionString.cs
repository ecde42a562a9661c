using System.Globalization;

namespace Hindcast.Infrastructure.EventLogs.EventStoreDb;

/// <summary>The connection string cannot be read; the message names what is wrong with it, and never the password.</summary>
public sealed class BadConnectionString(string why) : Exception($"The EventStoreDB connection string cannot be used: {why}");

enum NodePreference { Leader, Follower, ReadOnlyReplica, Random }

sealed record EndPoint(string Host, int Port)
{
    public override string ToString() => Host.Contains(':') ? $"[{Host}]:{Port}" : $"{Host}:{Port}";
}

/// <summary>
/// <c>esdb://[user:password@]host[:port][,host…][?key=value&amp;…]</c>, or with <c>+discover</c>, or with one of the newer names of the scheme:
/// the same text that the vendor's own clients take. A key that is unknown or given twice is refused, as they refuse it.
/// </summary>
sealed record ConnectionString
{
    const int DefaultPort = 2113;
    static readonly string[] s_schemes = ["esdb", "kurrentdb", "kurrent", "kdb"];

    public IReadOnlyList<EndPoint> Hosts { get; private init; } = [];
    /// <summary>Ask the hosts for the cluster's members and choose; otherwise the one host is the server.</summary>
    public bool Gossip { get; private init; }
    public string? User { get; private init; }
    public string? Password { get; private init; }
    public bool Tls { get; private init; } = true;
    public bool VerifyCertificate { get; private init; } = true;
    public string? CaFile { get; private init; }
    public (string Certificate, string Key)? UserCertificate { get; private init; }
    public string? ConnectionName { get; private init; }
    public NodePreference Preference { get; private init; } = NodePreference.Leader;
    public int MaxDiscoverAttempts { get; private init; } = 10;
    public TimeSpan DiscoveryInterval { get; private init; } = TimeSpan.FromMilliseconds(100);
    public TimeSpan GossipTimeout { get; private init; } = TimeSpan.FromSeconds(5);
    /// <summary>Of a call that is one question and one answer.</summary>
    public TimeSpan Deadline { get; private init; } = TimeSpan.FromSeconds(10);
    /// <summary>Null: off.</summary>
    public TimeSpan? KeepAliveInterval { get; private init; } = TimeSpan.FromSeconds(10);
    public TimeSpan KeepAliveTimeout { get; private init; } = TimeSpan.FromSeconds(10);

    /// <exception cref="BadConnectionString">It is not one.</exception>
    public static ConnectionString Parse(string text)
    {
        var scheme = text.IndexOf("://", StringComparison.Ordinal);
        if (scheme < 0) throw new BadConnectionString("it does not begin with esdb:// or esdb+discover://");
        var name = text[..scheme].ToLowerInvariant();
        var discover = name.EndsWith("+discover", StringComparison.Ordinal);
        if (discover) name = name[..^"+discover".Length];
        if (!s_schemes.Contains(name)) throw new BadConnectionString($"its scheme is '{text[..scheme]}'");

        var rest = text[(scheme + 3)..];
        var query = rest.IndexOf('?');
        var settings = query < 0 ? "" : rest[(query + 1)..];
        if (query >= 0) rest = rest[..query];
        var at = rest.LastIndexOf('@');
        var (login, authority) = at < 0 ? (null, rest) : (rest[..at], rest[(at + 1)..]);
        if (authority.IndexOf('/') is >= 0 and var slash)
        {
            if (slash != authority.Length - 1) throw new BadConnectionString("it has a path");
            authority = authority[..slash];
        }
        var hosts = authority.Split(',').Select(HostOf).ToArray();
        var parsed = WithSettings(new() { Hosts = hosts, Gossip = discover || hosts.Length > 1 }, settings);
        if (login is null) return parsed;
        var colon = login.IndexOf(':');
        if (colon <= 0) throw new BadConnectionString("before the @ stands user:password");
        return parsed with { User = Uri.UnescapeDataString(login[..colon]), Password = Uri.UnescapeDataString(login[(colon + 1)..]) };
    }

    /// <summary>The user's part of it replaced: what can be shown.</summary>
    public override string ToString() => $"{string.Join(',', Hosts)}{(Gossip ? " (cluster)" : "")}";

    static EndPoint HostOf(string text)
    {
        var colon = text.LastIndexOf(':');
        var bracket = text.LastIndexOf(']');
        var (host, port) = colon > bracket ? (text[..colon], text[(colon + 1)..]) : (text, null);
        host = host.Trim('[', ']');
        var number = DefaultPort;
        if (host.Length == 0 || Uri.CheckHostName(host) == UriHostNameType.Unknown) throw new BadConnectionString($"'{text}' is no host");
        if (port is not null && (!int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out number) || number is < 1 or > 65535))
            throw new BadConnectionString($"'{port}' is no port");
        return new(host, number);
    }

    static ConnectionString WithSettings(ConnectionString parsed, string settings)
    {
        var given = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var pair in settings.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = pair.IndexOf('=');
            if (equals <= 0) throw new BadConnectionString($"'{pair}' is not key=value");
            if (!given.TryAdd(pair[..equals], Uri.UnescapeDataString(pair[(equals + 1)..]))) throw new BadConnectionString($"'{pair[..equals]}' is given twice");
        }
        if (given.ContainsKey("userCertFile") != given.ContainsKey("userKeyFile"))
            throw new BadConnectionString("userCertFile and userKeyFile are given together or not at all");
        foreach (var (key, value) in given)
        {
            parsed = key.ToLowerInvariant() switch
            {
                "tls" => parsed with { Tls = Truth(key, value) },
                "tlsverifycert" => parsed with { VerifyCertificate = Truth(key, value) },
                "tlscafile" => parsed with { CaFile = value },
                "usercertfile" => parsed with { UserCertificate = (value, given["userKeyFile"]) },
                "userkeyfile" => parsed,
                "connectionname" => parsed with { ConnectionName = value },
                "maxdiscoverattempts" => parsed with { MaxDiscoverAttempts = (int)Number(key, value, 1) },
                "discoveryinterval" => parsed with { DiscoveryInterval = Millis(key, value) },
                "gossiptimeout" => parsed with { GossipTimeout = Millis(key, value) },
                "nodepreference" => parsed with { Preference = PreferenceOf(key, value) },
                "defaultdeadline" => parsed with { Deadline = Millis(key, value) },
                // Every failed append is an answer here; there is nothing to throw or not.
                "throwonappendfailure" => Truth(key, value) ? parsed : parsed,
                "keepaliveinterval" => parsed with { KeepAliveInterval = Number(key, value, -1) < 0 ? null : Millis(key, value) },
                "keepalivetimeout" => parsed with { KeepAliveTimeout = Number(key, value, -1) < 0 ? Timeout.InfiniteTimeSpan : Millis(key, value) },
                _ => throw new BadConnectionString($"'{key}' is no key of it"),
            };
        }
        return parsed;
    }

    static NodePreference PreferenceOf(string key, string value) =>
        Enum.TryParse<NodePreference>(value, ignoreCase: true, out var preference) && !char.IsAsciiDigit(value[0]) ? preference : throw Wrong(key, value);

    static bool Truth(string key, string value) => bool.TryParse(value, out var truth) ? truth : throw Wrong(key, value);

    static TimeSpan Millis(string key, string value) => TimeSpan.FromMilliseconds(Number(key, value, 1));

    static long Number(string key, string value, long least) =>
        long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= least && number <= int.MaxValue ? number : throw Wrong(key, value);

    static BadConnectionString Wrong(string key, string value) => new($"'{value}' is no value of '{key}'");
}
