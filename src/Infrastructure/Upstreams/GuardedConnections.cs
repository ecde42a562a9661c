using System.Net;
using System.Net.Sockets;
using Hindcast.Application.Gateway;

namespace Hindcast.Infrastructure.Upstreams;

/// <summary>What everything that goes out shares: no redirects, no cookies, no proxy of the environment, no content codings, and addresses of the public internet alone.</summary>
static class GuardedConnections
{
    static readonly TimeSpan s_connect = TimeSpan.FromSeconds(10);

    public static SocketsHttpHandler Handler(bool allowPrivateNetworks) => new()
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        UseProxy = false,
        AutomaticDecompression = DecompressionMethods.None,
        ConnectTimeout = s_connect,
        ConnectCallback = (context, ct) => ConnectAsync(context.DnsEndPoint, allowPrivateNetworks, ct),
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        // A call that is broken off is broken off now: what the other side still has to say is not waited for.
        ResponseDrainTimeout = TimeSpan.Zero,
        ActivityHeadersPropagator = null,
    };

    /// <exception cref="AddressRefused">It leads to a private network.</exception>
    static async ValueTask<Stream> ConnectAsync(DnsEndPoint to, bool allowPrivateNetworks, CancellationToken ct)
    {
        var resolved = await Dns.GetHostAddressesAsync(to.Host, ct);
        // All of them: a name that mixes public and private addresses is up to no good.
        if (!allowPrivateNetworks && (resolved.Length == 0 || !resolved.All(PublicAddress.Is))) throw new AddressRefused(to.Host);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(resolved, to.Port, ct);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
