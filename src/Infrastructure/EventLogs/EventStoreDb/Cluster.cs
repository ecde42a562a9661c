using System.Diagnostics.CodeAnalysis;
using Hindcast.Infrastructure.EventLogs.EventStoreDb.Wire;
using Microsoft.Extensions.Logging;

namespace Hindcast.Infrastructure.EventLogs.EventStoreDb;

/// <summary>
/// Which server is talked to. It is found when somebody needs it, kept until somebody says that it failed, and then found again; a server that
/// names the leader instead of answering is left for that leader at once.
/// </summary>
sealed class Cluster(ConnectionString settings, NodePreference preference, TimeProvider time, ILogger logger) : IDisposable
{
    /// <summary>Between attempts, so that a server that is away is not asked in a tight loop.</summary>
    static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(200);
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);
    static readonly Version s_oldest = new(23, 10);

    readonly SemaphoreSlim _finding = new(1);
    volatile Node? _node;
    EndPoint? _named;
    long _failedAt;
    bool _away;
    volatile bool _disposed;

    public bool ReadsFromLeader => preference == NodePreference.Leader;

    /// <exception cref="GrpcFailure">No server can be had just now.</exception>
    public async ValueTask<Node> NodeAsync(CancellationToken ct)
    {
        if (_node is { } known) return known;
        await _finding.WaitAsync(ct);
        try
        {
            if (_node is { } found) return found;
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_failedAt != 0 && s_pause - time.GetElapsedTime(_failedAt) is { Ticks: > 0 } rest) await Task.Delay(rest, time, ct);
            try
            {
                var node = await FindAsync(ct);
                _failedAt = 0;
                if (_away) logger.LogInformation("The log server {Node} answers again", node.At);
                _away = false;
                return _node = node;
            }
            catch (GrpcFailure failure)
            {
                _failedAt = time.GetTimestamp();
                // Said once for each time it goes away, not for each attempt.
                if (!_away) logger.LogWarning("The log server {Servers} cannot be reached; it is tried again: {Why}", settings, failure.Message);
                _away = true;
                throw;
            }
        }
        finally
        {
            _finding.Release();
        }
    }

    /// <summary>A call to it failed: where to go from here.</summary>
    public void Failed(Node node, GrpcFailure failure)
    {
        var elsewhere = failure.Reason == "not-leader" && EndPointOf(failure, out var leader) ? leader : null;
        // The server is there and said no: another connection would hear the same.
        if (elsewhere is null && failure.Reason != "not-leader" && failure.Status is not (GrpcStatus.Unavailable or GrpcStatus.DeadlineExceeded or GrpcStatus.Unknown or GrpcStatus.Cancelled or GrpcStatus.Internal)) return;
        if (Interlocked.CompareExchange(ref _node, null, node) != node) return;
        Volatile.Write(ref _named, elsewhere);
        node.Dispose();
        if (elsewhere is not null) logger.LogInformation("The log server {Node} is not the leader; it is {Leader}", node.At, elsewhere);
    }

    public void Dispose()
    {
        _disposed = true;
        Interlocked.Exchange(ref _node, null)?.Dispose();
    }

    async Task<Node> FindAsync(CancellationToken ct)
    {
        if (Interlocked.Exchange(ref _named, null) is { } named && await TryAsync(named, ct) is { } leader) return leader;
        if (!settings.Gossip) return await OpenAsync(settings.Hosts[0], ct);

        GrpcFailure? last = null;
        for (var attempt = 0; attempt < settings.MaxDiscoverAttempts; attempt++)
        {
            if (attempt > 0) await Task.Delay(settings.DiscoveryInterval, time, ct);
            foreach (var seed in settings.Hosts.OrderBy(_ => Random.Shared.Next()))
            {
                try
                {
                    using var asked = new Node(seed, settings);
                    var members = await asked.GossipAsync(ct);
                    if (Choose(members) is { } chosen) return await OpenAsync(chosen, ct);
                    last = new(GrpcStatus.Unavailable, $"{seed} knows of no member that could serve");
                }
                catch (GrpcFailure failure)
                {
                    last = failure;
                }
            }
        }
        throw last!;
    }

    async Task<Node?> TryAsync(EndPoint at, CancellationToken ct)
    {
        try
        {
            return await OpenAsync(at, ct);
        }
        catch (GrpcFailure)
        {
            return null;
        }
    }

    /// <summary>Asks what it can do: an older one would never say that the head is reached, and readers would wait for ever.</summary>
    async Task<Node> OpenAsync(EndPoint at, CancellationToken ct)
    {
        var node = new Node(at, settings);
        try
        {
            var can = await node.SupportedMethodsAsync(s_patience, ct);
            if (!can.Methods.Any(method => method.MethodName.Equals("batchappend", StringComparison.OrdinalIgnoreCase)))
                throw new GrpcFailure(GrpcStatus.Unimplemented, $"the server at {at} cannot append in batches; EventStoreDB {s_oldest} or newer is needed");
            var version = can.EventStoreServerVersion.Split('-', '+')[0];
            // A build without a number (0.0.0) is taken at its word.
            if (Version.TryParse(version, out var number) && number.Major > 0 && number < s_oldest)
                throw new GrpcFailure(GrpcStatus.Unimplemented, $"the server at {at} is EventStoreDB {version}; {s_oldest} or newer is needed");
            return node;
        }
        catch
        {
            node.Dispose();
            throw;
        }
    }

    /// <summary>The best member alive by preference, ties by chance.</summary>
    internal EndPoint? Choose(ClusterInfo members) => members.Members
        .Where(member => member is { IsAlive: true, HttpEndPoint: not null } && Rank(member.State) is not null)
        .OrderBy(member => Rank(member.State)).ThenBy(_ => Random.Shared.Next())
        .Select(member => new EndPoint(member.HttpEndPoint.Address, (int)member.HttpEndPoint.Port))
        .FirstOrDefault();

    /// <summary>Null: it serves nobody. The states are the server's: 8 leader, 6 follower, 12 and 14 read-only replicas.</summary>
    int? Rank(int state) => (preference, state) switch
    {
        (NodePreference.Leader, 8) => 0,
        (NodePreference.Leader, 6) => 1,
        (NodePreference.Follower, 6) => 0,
        (NodePreference.Follower, 8) => 1,
        (NodePreference.ReadOnlyReplica, 12 or 14) => 0,
        (NodePreference.ReadOnlyReplica, 8) => 1,
        (NodePreference.ReadOnlyReplica, 6) => 2,
        (NodePreference.Random, 6 or 8 or 12 or 14) => 0,
        (_, 12 or 14) => 2,
        _ => null,
    };

    static bool EndPointOf(GrpcFailure failure, [NotNullWhen(true)] out EndPoint? leader)
    {
        leader = failure.Trailer("leader-endpoint-host") is { Length: > 0 } host && int.TryParse(failure.Trailer("leader-endpoint-port"), out var port) ? new(host, port) : null;
        return leader is not null;
    }
}
