using System.Net;
using Hindcast.Application;
using Microsoft.Extensions.Options;

namespace Hindcast.Api.CommandLine;

/// <summary>Open mode is for one's own machine: a server without keys does not start where others could reach it.</summary>
internal static class OpenMode
{
    /// <summary>Looks at what is configured, before anything listens.</summary>
    /// <exception cref="Failed">An address is not a loopback address.</exception>
    public static void Check(IServiceProvider services)
    {
        if (!services.GetRequiredService<IOptions<HindcastOptions>>().Value.Open) return;
        var configuration = services.GetRequiredService<IConfiguration>();
        // Ports alone, as containers set them, mean every address.
        if (string.IsNullOrEmpty(configuration[WebHostDefaults.ServerUrlsKey]) && (configuration["http_ports"] ?? configuration["https_ports"]) is { Length: > 0 }) throw Refused("every address");
        var addresses = (configuration[WebHostDefaults.ServerUrlsKey] ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Concat(configuration.GetSection("Kestrel:Endpoints").GetChildren().Select(e => e["Url"] ?? ""))
            .Concat(configuration["Hindcast:Otlp:GrpcEndpoint"] is { Length: > 0 } grpc ? [grpc] : []);
        foreach (var address in addresses)
            if (!IsLoopback(address)) throw Refused(address);
    }

    static bool IsLoopback(string address)
    {
        try
        {
            var host = BindingAddress.Parse(address).Host;
            return host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(host.Trim('[', ']'), out var ip) && IPAddress.IsLoopback(ip));
        }
        catch (FormatException)
        {
            return false;
        }
    }

    static Failed Refused(string address) =>
        new($"Open mode (Hindcast__Open) lets everybody in without a key, so it starts on loopback addresses only; '{address}' is none.");
}
