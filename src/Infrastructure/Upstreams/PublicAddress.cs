using System.Net;
using System.Net.Sockets;

namespace Hindcast.Infrastructure.Upstreams;

/// <summary>
/// Which addresses a call may go to: those of the public internet. What a name resolves to is looked at, never the name, and the address that
/// was looked at is the one that is connected to; a name that answers otherwise a moment later gains nothing.
/// </summary>
static class PublicAddress
{
    static readonly IPNetwork[] s_reserved =
    [
        .. new[]
        {
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24",
            "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        }.Select(IPNetwork.Parse),
    ];

    /// <summary>Of IPv6 only what is handed out to the public, without the ranges inside of it that carry an IPv4 address or lead nowhere.</summary>
    static readonly IPNetwork s_global = IPNetwork.Parse("2000::/3");
    static readonly IPNetwork[] s_notGlobal = [.. new[] { "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20" }.Select(IPNetwork.Parse)];

    public static bool Is(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        return address.AddressFamily switch
        {
            AddressFamily.InterNetwork => !s_reserved.Any(n => n.Contains(address)),
            AddressFamily.InterNetworkV6 => s_global.Contains(address) && !s_notGlobal.Any(n => n.Contains(address)),
            _ => false,
        };
    }
}
