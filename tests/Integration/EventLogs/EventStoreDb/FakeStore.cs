using System.Text.RegularExpressions;
using Google.Protobuf;
using Hindcast.Infrastructure.EventLogs.EventStoreDb;
using Hindcast.Infrastructure.EventLogs.EventStoreDb.Wire;

namespace Hindcast.Integration.EventLogs.EventStoreDb;

/// <summary>An event as the fake server keeps it. Positions are real record boundaries: others are refused, as by the real one.</summary>
public sealed record StoredEvent(
    string Stream, long Revision, long Position, Guid Id, IReadOnlyDictionary<string, string> Metadata, byte[] CustomMetadata, byte[] Data);

/// <summary>What one or several fake nodes hold in memory, with EventStoreDB's rules for appending: exact revisions, and ids that are known.</summary>
public sealed class FakeStore
{
    public const int MaxAppendSize = 1 << 20;

    readonly Lock _gate = new();
    readonly List<StoredEvent> _all = [];
    readonly Dictionary<string, List<StoredEvent>> _streams = new(StringComparer.Ordinal);
    readonly HashSet<string> _tombstones = new(StringComparer.Ordinal);
    TaskCompletionSource _written = new(TaskCreationOptions.RunContinuationsAsynchronously);
    long _end = 4_000;

    public FakeStore() => System("$epoch");

    /// <summary>Done when something is written after this was asked for.</summary>
    public Task Written
    {
        get
        {
            lock (_gate) return _written.Task;
        }
    }

    public int Count
    {
        get
        {
            lock (_gate) return _all.Count;
        }
    }

    public StoredEvent At(int index)
    {
        lock (_gate) return _all[index];
    }

    /// <summary>Changes what is stored: a damaged disk.</summary>
    public void Alter(Func<StoredEvent, StoredEvent> change)
    {
        lock (_gate)
        {
            for (var i = 0; i < _all.Count; i++) _all[i] = change(_all[i]);
            foreach (var stream in _streams.Values)
                for (var i = 0; i < stream.Count; i++) stream[i] = change(stream[i]);
        }
    }

    public void Tombstone(string stream)
    {
        lock (_gate) _tombstones.Add(stream);
    }

    public bool IsDeleted(string stream)
    {
        lock (_gate) return _tombstones.Contains(stream);
    }

    public List<StoredEvent> Stream(string stream)
    {
        lock (_gate) return _streams.TryGetValue(stream, out var events) ? [.. events] : [];
    }

    /// <summary>The index of the first event behind a position; null: it is no position of this log.</summary>
    public int? IndexAfter(long position)
    {
        lock (_gate)
        {
            var (low, high) = (0, _all.Count - 1);
            while (low <= high)
            {
                var middle = (low + high) / 2;
                if (_all[middle].Position == position) return middle + 1;
                if (_all[middle].Position < position) low = middle + 1;
                else high = middle - 1;
            }
            return null;
        }
    }

    /// <summary>Something of the server's own, or of somebody else's.</summary>
    public void System(string stream) =>
        Append(stream, null, [new() { Id = StoredForm.IdOf(Guid.NewGuid()), Metadata = { ["type"] = "$metadata", ["content-type"] = "application/json" } }]);

    /// <param name="expected">Null: any.</param>
    internal BatchAppendResp Append(string stream, long? expected, IReadOnlyList<BatchAppendReq.Types.ProposedMessage> events)
    {
        lock (_gate)
        {
            if (_tombstones.Contains(stream)) return Error(5, "tombstoned", new StreamDeleted { StreamIdentifier = new() { StreamName = ByteString.CopyFromUtf8(stream) } });
            if (events.Sum(added => (long)added.Data.Length) > MaxAppendSize) return Error(3, "too large", new MaximumAppendSizeExceeded { MaxAppendSize = MaxAppendSize });
            if (events.Any(added => !added.Metadata.ContainsKey("type") || !added.Metadata.ContainsKey("content-type"))) return Error(3, "metadata", new BadRequest { Message = "missing" });

            var there = _streams.GetValueOrDefault(stream) ?? [];
            var current = there.Count - 1L;
            if (expected is { } revision && revision != current)
            {
                // The same ids at the same place: done before, and answered as it was then.
                var same = there.Skip((int)revision + 1).Take(events.Count).ToList();
                return revision < current && same.Count == events.Count && same.Zip(events, (a, b) => a.Id == StoredForm.IdOf(b.Id)).All(equal => equal)
                    ? Success(same[^1])
                    : Moved(current);
            }
            foreach (var added in events)
            {
                var stored = new StoredEvent(
                    stream, there.Count, _end, StoredForm.IdOf(added.Id), new Dictionary<string, string>(added.Metadata), added.CustomMetadata.ToByteArray(), added.Data.ToByteArray());
                _end += 100 + added.CustomMetadata.Length + added.Data.Length;
                there.Add(stored);
                _all.Add(stored);
            }
            _streams[stream] = there;
            var written = _written;
            _written = new(TaskCreationOptions.RunContinuationsAsynchronously);
            written.SetResult();
            return Success(there[^1]);
        }
    }

    static BatchAppendResp Success(StoredEvent last) => new()
    {
        Success = new() { CurrentRevision = (ulong)last.Revision, Position = new() { CommitPosition = (ulong)last.Position, PreparePosition = (ulong)last.Position } },
    };

    static BatchAppendResp Moved(long current)
    {
        var moved = new WrongExpectedVersion();
        if (current < 0) moved.CurrentNoStream = new();
        else moved.CurrentStreamRevision = (ulong)current;
        return Error(6, "WrongExpectedVersion", moved);
    }

    internal static BatchAppendResp Error(int code, string message, IMessage detail) =>
        new() { Error = new() { Code = code, Message = message, Details = Google.Protobuf.WellKnownTypes.Any.Pack(detail) } };

    internal static Func<StoredEvent, bool> Filter(ReadReq.Types.Options options)
    {
        if (options.Filter is not { } filter) return _ => true;
        var expression = filter.StreamIdentifier ?? filter.EventType;
        var regex = expression.Regex.Length > 0 ? new Regex(expression.Regex) : null;
        return stored =>
        {
            var text = filter.StreamIdentifier is not null ? stored.Stream : stored.Metadata["type"];
            return regex?.IsMatch(text) ?? expression.Prefix.Any(prefix => text.StartsWith(prefix, StringComparison.Ordinal));
        };
    }
}
