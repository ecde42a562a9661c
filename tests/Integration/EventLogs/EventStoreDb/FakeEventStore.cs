using System.Buffers.Binary;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Google.Protobuf;
using Hindcast.Infrastructure.EventLogs.EventStoreDb;
using Hindcast.Infrastructure.EventLogs.EventStoreDb.Wire;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hindcast.Integration.EventLogs.EventStoreDb;

/// <summary>What a fake node does wrong, for as long as it is set.</summary>
public sealed class Faults
{
    /// <summary>Calls are accepted and never answered, running ones fall silent: a frozen process or half a connection.</summary>
    public bool Frozen { get; set; }

    /// <summary>Another node is the leader: calls that require one end with its name.</summary>
    public Uri? Leader { get; set; }

    /// <summary>So many appends are stored and then end the call without an answer.</summary>
    public int CutAfterStoring { get; set; }

    /// <summary>So many appends end the call and are not stored.</summary>
    public int CutBeforeStoring { get; set; }

    /// <summary>So many appends are stored and answered as timed out, with the correlation id in the other form.</summary>
    public int TimeOutAfterStoring { get; set; }

    /// <summary>So many appends are answered as too busy, which has the code of success.</summary>
    public int Busy { get; set; }

    /// <summary>So many live events end their subscription.</summary>
    public int TooSlow { get; set; }

    /// <summary>After so many events a reading is cut off, once.</summary>
    public int CutReadingAfter { get; set; }

    /// <summary>When a subscription to everything has come so far into the past, <see cref="Frozen"/> begins, once.</summary>
    public int FreezeAt { get; set; }

    public TimeSpan Delay { get; set; }

    internal bool Take(Func<Faults, int> which, Action<Faults, int> set)
    {
        lock (this)
        {
            var left = which(this);
            if (left <= 0) return false;
            set(this, left - 1);
            return true;
        }
    }
}

/// <summary>
/// A node of EventStoreDB as far as this product speaks to it, in this process: the same frames, trailers and rules as the real one (they were
/// written down from it), in memory, and with faults on demand. Several nodes can share a store.
/// </summary>
public sealed class FakeEventStore : IAsyncDisposable
{
    readonly WebApplication _app;
    readonly CancellationTokenSource _stopping = new();
    readonly (string User, string Password)? _login;

    FakeEventStore(WebApplication app, FakeStore store, (string, string)? login) => (_app, Store, _login) = (app, store, login);

    public FakeStore Store { get; }
    public Faults Faults { get; } = new();
    public Uri Address { get; private set; } = null!;
    /// <summary>What gossip says: address and state of each member.</summary>
    public List<(Uri Node, int State)> Members { get; } = [];
    /// <summary>Calls of each kind so far.</summary>
    public int Appends, Reads, Subscriptions;
    public string Version { get; set; } = "23.10.6";
    public string ConnectionString => $"esdb://{Address.Authority}?tls=false";

    public static async Task<FakeEventStore> StartAsync(
        FakeStore? store = null, int port = 0, X509Certificate2? certificate = null, (string, string)? login = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Listen(IPAddress.Loopback, port, listen =>
            {
                listen.Protocols = certificate is null ? HttpProtocols.Http2 : HttpProtocols.Http1AndHttp2;
                if (certificate is not null) listen.UseHttps(certificate);
            });
        });
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromMilliseconds(100));
        var app = builder.Build();
        var fake = new FakeEventStore(app, store ?? new(), login);
        app.Run(fake.AnswerAsync);
        await app.StartAsync();
        fake.Address = new(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        fake.Members.Add((fake.Address, 8));
        return fake;
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    async Task AnswerAsync(HttpContext http)
    {
        http.Response.ContentType = "application/grpc";
        using var over = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, _stopping.Token);
        var call = new FakeCall(http, this, over.Token);
        try
        {
            await call.UnlessFrozenAsync();
            var method = http.Request.Path.Value!;
            if (_login is { } login && !method.EndsWith("Gossip/Read", StringComparison.Ordinal) && !method.EndsWith("GetSupportedMethods", StringComparison.Ordinal)) Require(http, login);
            if (http.Request.Headers["requires-leader"] == "true" && method.Contains("streams.Streams", StringComparison.Ordinal)) RequireLeader();
            switch (method)
            {
                case "/event_store.client.server_features.ServerFeatures/GetSupportedMethods":
                    await call.SendAsync(new SupportedMethods
                    {
                        EventStoreServerVersion = Version,
                        Methods = { new SupportedMethods.Types.Method { MethodName = "batchappend", ServiceName = "event_store.client.streams.streams", Features = { "deadline_duration" } } },
                    });
                    break;
                case "/event_store.client.gossip.Gossip/Read":
                    var members = new ClusterInfo();
                    foreach (var (node, state) in Members)
                        members.Members.Add(new ClusterInfo.Types.Member { IsAlive = true, State = state, HttpEndPoint = new() { Address = node.Host, Port = (uint)node.Port } });
                    await call.SendAsync(members);
                    break;
                case "/event_store.client.streams.Streams/BatchAppend":
                    Interlocked.Increment(ref Appends);
                    await call.BatchAppendAsync();
                    break;
                case "/event_store.client.streams.Streams/Read":
                    await call.ReadAsync();
                    break;
                default:
                    throw new FakeStatus(12, "no such method");
            }
            call.End(new(0, ""));
        }
        catch (FakeStatus status)
        {
            call.End(status);
        }
        catch (OperationCanceledException)
        {
            http.Abort();
        }
        catch (IOException)
        {
            // The client is gone.
        }
    }

    /// <summary>A running call ends like this too when the leader changes.</summary>
    internal void RequireLeader()
    {
        if (Faults.Leader is { } leader)
            throw new FakeStatus(5, "Leader info available", ("exception", "not-leader"), ("leader-endpoint-host", leader.Host), ("leader-endpoint-port", $"{leader.Port}"));
    }

    static void Require(HttpContext http, (string User, string Password) login)
    {
        var given = http.Request.Headers.Authorization.ToString();
        if (given.Length == 0) throw new FakeStatus(7, "Access Denied", ("exception", "access-denied"));
        if (given != $"Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes($"{login.User}:{login.Password}"))}") throw new FakeStatus(16, "Unauthenticated");
    }
}

/// <summary>How a call ends: status, text and trailers.</summary>
sealed class FakeStatus(int status, string message, params (string Name, string Value)[] trailers) : Exception(message)
{
    public int Status => status;
    public (string Name, string Value)[] Trailers => trailers;
}
