using System.Collections.Concurrent;
using Hindcast.Application.Projects;

namespace Hindcast.Application.Gateway;

/// <summary>How many calls of a key are under way.</summary>
public sealed class CallsAtOnce
{
    readonly ConcurrentDictionary<string, Counter> _byKey = new(StringComparer.Ordinal);
    long _begun;

    /// <summary>Calls of all keys since the start.</summary>
    public long Begun => Volatile.Read(ref _begun);

    /// <exception cref="RateExceeded">As many as may be are under way already.</exception>
    public IDisposable Begin(Caller caller, int most)
    {
        var counter = _byKey.GetOrAdd(caller.KeyId, _ => new());
        if (counter.Add(1) <= most)
        {
            Interlocked.Increment(ref _begun);
            return counter;
        }
        counter.Add(-1);
        throw new RateExceeded($"More than {most} calls at once with this key.", TimeSpan.FromSeconds(1));
    }

    sealed class Counter : IDisposable
    {
        int _calls;

        public int Add(int calls) => Interlocked.Add(ref _calls, calls);

        public void Dispose() => Add(-1);
    }
}
