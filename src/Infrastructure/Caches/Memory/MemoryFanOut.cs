using System.Collections.Immutable;
using Hindcast.Application.Live;

namespace Hindcast.Infrastructure.Caches.Memory;

/// <summary>News within this process.</summary>
sealed class MemoryFanOut : IFanOut
{
    readonly Lock _one = new();
    ImmutableArray<Action<LiveNews>> _listeners = [];

    public void Publish(LiveNews news)
    {
        // One at a time, or two publishers would be heard in two orders.
        lock (_one)
            foreach (var hear in _listeners) hear(news);
    }

    public IDisposable Listen(Action<LiveNews> hear)
    {
        lock (_one) _listeners = _listeners.Add(hear);
        return new Listening(this, hear);
    }

    sealed class Listening(MemoryFanOut all, Action<LiveNews> hear) : IDisposable
    {
        public void Dispose()
        {
            lock (all._one) all._listeners = all._listeners.Remove(hear);
        }
    }
}
