using Hindcast.Application.EventSourcing;
using Hindcast.Infrastructure.EventLogs.EventStoreDb.Wire;

namespace Hindcast.Infrastructure.EventLogs.EventStoreDb;

public sealed partial class EventStoreDbEventLog
{
    const long MostBytes = 64L << 20;
    const int EventOverhead = 256;

    readonly Lanes _lanes = new();
    readonly KnownStreams _known = new();
    long _bytes;

    public Task<Appended> AppendAsync(StreamName stream, long expected, IReadOnlyList<LogEvent> events, CancellationToken ct)
    {
        if (ct.IsCancellationRequested) return Task.FromCanceled<Appended>(ct);
        ObjectDisposedException.ThrowIf(_closing.IsCancellationRequested, this);
        LogEvent[] mine = [.. events];
        long bytes = EventOverhead;
        foreach (var added in mine) bytes += EventOverhead + added.Header.Length + added.Content.Length;
        if (bytes > MostBytes) throw new ArgumentException($"An append of {bytes} bytes; the most is {MostBytes}.", nameof(events));
        if (Interlocked.Add(ref _bytes, bytes) > MostBytes)
        {
            Interlocked.Add(ref _bytes, -bytes);
            return Task.FromException<Appended>(new LogUnavailable("More is waiting to be written than fits in memory.", TimeSpan.FromSeconds(1)));
        }
        var waiting = new Waiting(stream, expected, mine, bytes, _time.GetTimestamp());
        if (_lanes.Enter(waiting)) _ = InTurnAsync(waiting);
        return ct.CanBeCanceled ? waiting.Task.WaitAsync(ct) : waiting.Task;
    }

    /// <summary>One append of a stream after the other, for as long as there are any.</summary>
    async Task InTurnAsync(Waiting first)
    {
        for (var waiting = first; waiting is not null; waiting = _lanes.Next(waiting.Stream))
        {
            try
            {
                if (waiting != first) waiting.Started = _time.GetTimestamp();
                var appended = await WriteAsync(waiting);
                if (appended is null) _lanes.Broke(waiting, unknown: null);
                Interlocked.Add(ref _bytes, -waiting.Bytes);
                if (appended is null) waiting.SetException(new StreamMoved(waiting.Stream, waiting.Expected));
                else waiting.SetResult(appended);
            }
            catch (Exception failure)
            {
                _known.Forget(waiting.Stream);
                _lanes.Broke(waiting, failure as LogUnavailable);
                Interlocked.Add(ref _bytes, -waiting.Bytes);
                waiting.SetException(failure is OperationCanceledException or ObjectDisposedException ? Away(failure) : failure);
            }
        }
    }

    /// <summary>Null: the stream is elsewhere, and nothing was written.</summary>
    async ValueTask<Appended?> WriteAsync(Waiting append)
    {
        if (append.FollowsUnknown is { } unknown) throw unknown;
        await IdentifiedAsync(append.Started, _closing.Token);
        var known = _known.Find(append.Stream);
        if (append is { FollowsRefused: false, Expected: >= -1 and < long.MaxValue })
        {
            // A new stream needs no reading: the server knows whether it is one.
            if (append.Expected >= 0 && !(known?.Revision >= append.Expected)) known = await LoadAsync(append);
            if ((known?.Revision ?? -1) == append.Expected)
            {
                if (append.Events.Length == 0) return known is not null || (await LoadAsync(append)).Revision < 0 ? new([]) : null;
                known ??= new();
                if (await WriteNewAsync(append, known) is { } appended) return appended;
                _known.Forget(append.Stream);
                known = null;
            }
        }
        // It is elsewhere, but what was written once is answered as it was then.
        return PlacesOf(append, known) ?? PlacesOf(append, await LoadAsync(append));
    }

    /// <summary>Writes what is new of an append at the revision that <paramref name="known"/> is of, and adds it there; null: refused.</summary>
    async ValueTask<Appended?> WriteNewAsync(Waiting append, KnownEvents known)
    {
        var places = new Place[append.Events.Length];
        var fresh = new List<int>(places.Length);
        var twice = new List<int>();
        for (var i = 0; i < places.Length; i++)
        {
            if (known.Find(append.Events[i].Id) is { } place) places[i] = place;
            else if (IsAmong(append.Events, fresh, append.Events[i].Id)) twice.Add(i);
            else fresh.Add(i);
        }
        if (fresh.Count > 0)
        {
            var events = new BatchAppendReq.Types.ProposedMessage[fresh.Count];
            for (var i = 0; i < events.Length; i++)
                events[i] = StoredForm.Write(append.Stream, append.Expected + 1 + i, events.Length - 1 - i, append.Events[fresh[i]]);
            if (await _pipe.SendAsync(On(append.Stream), append.Expected, events, append.Started) is not { } end) return null;

            if (fresh.Count == 1) places[fresh[0]] = new(end.Revision, end.Position, Known: false);
            else await PlaceAsync(append, fresh, places);
            foreach (var i in fresh) known.Add(append.Events[i].Id, places[i].Revision, places[i].Position);
            _lanes.Held(append);
            _known.Set(append.Stream, known, fresh.Count);
        }
        foreach (var i in twice) places[i] = known.Find(append.Events[i].Id)!.Value;
        return new(places);
    }

    /// <summary>The server tells the place of an append's last event only; those before it are read.</summary>
    async Task PlaceAsync(Waiting append, List<int> fresh, Place[] places)
    {
        var read = 0;
        while (true)
        {
            try
            {
                await foreach (var record in ReadOnceAsync(append.Stream, append.Expected + 1 + read, fresh.Count - read, append.Started, _closing.Token))
                {
                    if (record.Id != append.Events[fresh[read]].Id) throw new LogDamaged(record.Position, $"it is not what was written to stream {record.Stream}.");
                    places[fresh[read++]] = new(record.Revision, record.Position, Known: false);
                }
                if (read == fresh.Count) return;
                throw new GrpcFailure(GrpcStatus.Unavailable, "what was just written cannot be read yet");
            }
            catch (GrpcFailure failure)
            {
                await TryAgainAsync(failure, append.Started, _closing.Token);
            }
        }
    }

    /// <summary>The ids of the stream's newest events, as the leader has them now.</summary>
    async Task<KnownEvents> LoadAsync(Waiting append)
    {
        var tail = await AskAsync(
            (node, ct) => TailOfAsync(node, append.Stream, KnownEvents.Most, static record => (record.Id, record.Revision, record.Position), ct),
            append.Started, _closing.Token);
        var known = new KnownEvents();
        for (var i = tail.Count - 1; i >= 0; i--) known.Add(tail[i].Id, tail[i].Revision, tail[i].Position);
        if (tail.Count > 0) _known.Set(append.Stream, known, tail.Count);
        return known;
    }

    static Appended? PlacesOf(Waiting append, KnownEvents? known)
    {
        if (known is null || append.Events.Length == 0) return null;
        var places = new Place[append.Events.Length];
        for (var i = 0; i < places.Length; i++)
        {
            if (known.Find(append.Events[i].Id) is not { } place) return null;
            places[i] = place;
        }
        return new(places);
    }

    static bool IsAmong(LogEvent[] events, List<int> fresh, Guid id)
    {
        foreach (var i in fresh)
            if (events[i].Id == id) return true;
        return false;
    }
}
