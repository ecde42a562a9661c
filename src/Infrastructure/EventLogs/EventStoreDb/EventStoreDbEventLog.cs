using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Google.Protobuf;
using Hindcast.Application.EventSourcing;
using Hindcast.Infrastructure.EventLogs.EventStoreDb.Wire;
using Microsoft.Extensions.Logging;

namespace Hindcast.Infrastructure.EventLogs.EventStoreDb;

/// <summary>The log on an EventStoreDB server or cluster (23.10 or newer): for several nodes of this product on one log.</summary>
/// <remarks>
/// <para><b>What the server gives:</b> an append is one write at an exact revision, or none; positions grow in commit order; what it acknowledges is
/// on its disk, in a cluster on a majority's. A position here is the server's commit position. For what is appended this way its prepare position is
/// the same number, so one number is enough to go on from; an event for which it is not is refused as damage.</para>
/// <para><b>Known ids (promise 3).</b> The server's own memory of ids knows nothing of bytes, so it is not used for facts: each append has
/// event ids of its own (<see cref="StoredForm"/>). The ids of a stream's last 1,000 facts are read once when the stream is
/// cold, kept as of a revision, and an append is compared with them before it goes out at exactly that revision. Who is not at it is refused by
/// the server, and the ids are read again. A new stream needs no reading: its append says that there is none.</para>
/// <para><b>Order within a stream (promise 9).</b> Exact revisions are not enough when several nodes write: one's append is refused because
/// another's event stands there, and its next, one revision further, would fit behind that event although it was made to follow the refused
/// one. So appends of one stream go out one after the other, those of different streams all at once, and who waits behind a refused one is refused
/// with it, until the tail has been read again.</para>
/// <para><b>After a crash of this process</b> there is nothing to repair: all it knows is a copy. <b>When the server is away</b>, frozen or electing, appends
/// and reads are tried again until their deadline and then fail with <see cref="LogUnavailable"/>; followers wait, and go on where they were.</para>
/// <para>Several logs can share a server: a named log's streams begin with its name and a dot.</para>
/// </remarks>
public sealed partial class EventStoreDbEventLog : IEventLog, IAsyncDisposable
{
    /// <summary>A server that is alive begins to answer a question within it.</summary>
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2), s_again = TimeSpan.FromMilliseconds(100);

    readonly TimeProvider _time;
    readonly Cluster _cluster, _followed;
    readonly AppendPipe _pipe;
    readonly string _prefix;
    readonly ReadReq.Types.Options.Types.Filter _ours;
    readonly CancellationTokenSource _closing = new();

    EventStoreDbEventLog(ConnectionString settings, string? name, string? idFile, TimeProvider time, ILogger logger)
    {
        if (name is not null && !LogName().IsMatch(name)) throw new BadConnectionString($"'{name}' is no name for a log; a-z, 0-9 and _ are");
        (_time, _prefix, _idFile) = (time, name is null ? "" : name + ".", idFile);
        // A stream of ours is category-project/id; the server's own begin with a dollar sign, and the log's id stands in one without a dash.
        _ours = new()
        {
            StreamIdentifier = new() { Regex = $@"^{Regex.Escape(_prefix)}[a-z_]+-[a-z0-9_-]{{1,64}}/" },
            Max = 512,
            CheckpointIntervalMultiplier = 4,
        };
        // Decisions rest on what was read just before, so appends and what they read go to the leader, whatever node is preferred for following.
        _cluster = new(settings, NodePreference.Leader, time, logger);
        _followed = settings.Preference == NodePreference.Leader ? _cluster : new(settings, settings.Preference, time, logger);
        _pipe = new(_cluster, time);
        _identified = IdentifyAsync(logger);
    }

    /// <summary>Opens a log and does not wait for its server: what needs it waits, for as long as it may.</summary>
    /// <param name="connectionString">In the form of the server's own clients: <c>esdb://admin:…@host:2113?tls=false</c>.</param>
    /// <param name="name">Tells logs on one server apart; null for the only one.</param>
    /// <param name="idFile">Where the log's id is remembered, so that what was built from it can be served while the server is away.</param>
    /// <exception cref="BadConnectionString">It cannot be read.</exception>
    public static EventStoreDbEventLog Open(string connectionString, string? name, string? idFile, TimeProvider time, ILogger logger) =>
        new(ConnectionString.Parse(connectionString), name, idFile, time, logger);

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        await _pipe.DisposeAsync();
        await _identified.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _followed.Dispose();
        _cluster.Dispose();
    }

    string On(StreamName stream) => _prefix + stream.Value;

    StreamName Off(ByteString stream) => new(stream.ToStringUtf8()[_prefix.Length..]);

    static ReadReq.Types.Options Question(ReadReq.Types.Options.Types.Direction direction, long count) =>
        new() { ReadDirection = direction, Count = (ulong)count };

    (LogRecord Record, int Left) RecordOf(ReadResp.Types.ReadEvent read)
    {
        var stored = read.Event;
        var position = new LogPosition((long)(read.PositionCase == ReadResp.Types.ReadEvent.PositionOneofCase.CommitPosition ? read.CommitPosition : stored.CommitPosition));
        if (stored.PreparePosition != (ulong)position.Value) throw new LogDamaged(position, "it was written in a transaction, which this log never uses.");
        return StoredForm.Read(Off(stored.StreamIdentifier.StreamName), stored, position);
    }

    /// <summary>Asks until there is an answer or the deadline passes; each attempt from the beginning.</summary>
    async Task<T> AskAsync<T>(Func<Node, CancellationToken, Task<T>> question, long started, CancellationToken ct)
    {
        await IdentifiedAsync(started, ct);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(ct);
        deadline.CancelAfter(Rest(started));
        while (true)
        {
            try
            {
                return await OnceAsync(node => question(node, deadline.Token), deadline.Token);
            }
            catch (GrpcFailure failure)
            {
                await TryAgainAsync(failure, started, ct);
            }
            catch (OperationCanceledException e) when (!ct.IsCancellationRequested)
            {
                throw Away(e);
            }
        }
    }

    async Task<T> OnceAsync<T>(Func<Node, Task<T>> question, CancellationToken ct)
    {
        var node = await _cluster.NodeAsync(ct);
        try
        {
            return await question(node);
        }
        catch (GrpcFailure failure)
        {
            _cluster.Failed(node, failure);
            throw;
        }
    }

    TimeSpan Rest(long started) => AppendPipe.Deadline - _time.GetElapsedTime(started) is { Ticks: > 0 } rest ? rest : TimeSpan.Zero;

    /// <summary>Returns when it is worth another attempt.</summary>
    async Task TryAgainAsync(GrpcFailure failure, long started, CancellationToken ct)
    {
        if (failure.Reason == "stream-deleted") throw new LogDamaged(LogPosition.Start, "a stream was deleted for good.");
        if (IsRefusal(failure)) throw Refused(failure);
        if (_time.GetElapsedTime(started) + s_again >= AppendPipe.Deadline) throw Away(failure);
        if (failure.Reason != "not-leader") await Task.Delay(s_again, _time, ct);
    }

    /// <summary>Somebody has to change something first: the login, the server.</summary>
    static bool IsRefusal(GrpcFailure failure) => failure.IsRefusedLogin || failure.Status is GrpcStatus.InvalidArgument or GrpcStatus.Unimplemented;

    static LogUnavailable Refused(GrpcFailure failure) => new($"The log server refuses: {failure.Message}", TimeSpan.FromSeconds(30), failure);

    static LogUnavailable Away(Exception? failure) =>
        new($"The log server does not answer{(failure is null ? "" : $" ({failure.Message})")}.", TimeSpan.FromSeconds(Random.Shared.Next(2, 8)), failure);

    [GeneratedRegex("^[a-z0-9_]{1,64}$")]
    private static partial Regex LogName();
}
