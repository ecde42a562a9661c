using System.Collections.Immutable;
using Hindcast.Application.EventSourcing;

namespace Hindcast.Application.Live;

/// <summary>
/// One project's news in one voice. News is gathered while the last batch is being worded, so a trace that changes a hundred times meanwhile
/// is read once, in its newest state; that is not dropping, for a message says what a trace is and not what was added.
/// </summary>
sealed class LiveChannel(string project, ILiveVoice voice)
{
    const int Batch = 200;
    /// <summary>More traces than this waiting to be worded: the voice has stopped, and everybody is told so.</summary>
    const int MostWaiting = 20_000;

    readonly Lock _gate = new();
    readonly OrderedDictionary<string, bool> _waiting = new(StringComparer.Ordinal);
    ImmutableArray<LiveSubscription> _listeners = [];
    LogPosition _heard;
    /// <summary>Everything up to here has been worded.</summary>
    LogPosition _said;
    bool _working;

    public int Listeners => _listeners.Length;

    public LiveSubscription Add(LiveSubscription listener)
    {
        lock (_gate) _listeners = _listeners.Add(listener);
        return listener;
    }

    /// <summary>How many are left.</summary>
    public int Remove(LiveSubscription listener)
    {
        lock (_gate)
        {
            _listeners = _listeners.Remove(listener);
            if (_listeners.IsEmpty) _waiting.Clear();
            return _listeners.Length;
        }
    }

    public void Hear(LiveNews news)
    {
        lock (_gate)
        {
            if (_listeners.IsEmpty) return;
            if (news.Position > _heard) _heard = news.Position;
            foreach (var (traceId, created) in news.Traces) _waiting[traceId] = created || (_waiting.TryGetValue(traceId, out var before) && before);
            if (_waiting.Count > MostWaiting)
            {
                _waiting.Clear();
                foreach (var listener in _listeners) listener.Close("the feed cannot keep up");
            }
            if (_working || _waiting.Count == 0) return;
            _working = true;
        }
        _ = Task.Run(WorkAsync);
    }

    async Task WorkAsync()
    {
        while (Take() is { } news)
        {
            try
            {
                var messages = await voice.SayAsync(news, CancellationToken.None);
                for (var i = 0; i < messages.Count; i++)
                {
                    // Only with the last message of a batch has a listener come to the batch's position.
                    var message = messages[i] with { Position = i == messages.Count - 1 ? news.Position : _said };
                    foreach (var listener in _listeners) listener.Offer(message);
                }
                _said = news.Position;
            }
            catch (Exception e)
            {
                // What could not be read cannot be told: better a closed socket, which reconnects and reads, than one that misses something.
                foreach (var listener in _listeners) listener.Close(e is Unavailable ? "the read models are away" : "the feed stopped");
            }
        }
    }

    LiveNews? Take()
    {
        lock (_gate)
        {
            _working = _waiting.Count > 0;
            if (!_working) return null;
            var batch = _waiting.Take(Batch).Select(w => new ChangedTrace(w.Key, w.Value)).ToList();
            foreach (var trace in batch) _waiting.Remove(trace.TraceId);
            return new(project, _waiting.Count == 0 ? _heard : _said, batch);
        }
    }
}
