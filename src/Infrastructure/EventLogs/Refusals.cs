using Hindcast.Application.EventSourcing;

namespace Hindcast.Infrastructure.EventLogs;

/// <summary>
/// Streams in which an append was refused, and where it expected them: what was made to follow it must not be written even where it would
/// fit. As its maker may not have heard yet and send still more, that holds until the tail of the stream is read, or an append to it holds.
/// Bounded: of very many the oldest are forgotten. Not safe for several threads at once.
/// </summary>
sealed class Refusals
{
    const int Most = 10_000;

    Dictionary<StreamName, long> _young = [], _old = [];

    public bool Follows(StreamName stream, long expected) =>
        (_young.TryGetValue(stream, out var at) || _old.TryGetValue(stream, out at)) && expected > at;

    public void Add(StreamName stream, long expected)
    {
        if (_young.Count >= Most) (_old, _young) = (_young, []);
        _young[stream] = Math.Min(expected, _young.GetValueOrDefault(stream, long.MaxValue));
    }

    public void Forget(StreamName stream)
    {
        if (_young.Count > 0) _young.Remove(stream);
        if (_old.Count > 0) _old.Remove(stream);
    }
}
