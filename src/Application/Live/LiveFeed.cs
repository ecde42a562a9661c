using Hindcast.Application.EventSourcing;

namespace Hindcast.Application.Live;

/// <summary>A trace that a page changed: where its first fact stands, if the page brought it, and its last.</summary>
public readonly record struct TraceChange(string Project, string TraceId, LogPosition? First, LogPosition Last);

/// <summary>
/// The live feed: what the traces projection has just made readable goes to all who listen in the same project, here and on other nodes.
/// </summary>
/// <remarks>
/// <para><b>Once.</b> A trace is created once: with the page that makes its first fact readable. A generation that takes over begins where it
/// was built to, perhaps before what was told already; what lies before is not told again.</para>
/// <para><b>Ids travel, not contents.</b> Each dialect's <see cref="ILiveVoice"/> reads the traces and words the message, once for all
/// listeners of the project, and only where somebody listens.</para>
/// <para><b>Nothing is dropped in silence.</b> A listener who does not keep up is closed with the position it has come to; the others do not notice.</para>
/// </remarks>
public sealed class LiveFeed : IDisposable
{
    readonly Lock _gate = new();
    readonly Dictionary<(string Project, ILiveVoice Voice), LiveChannel> _channels = [];
    readonly IFanOut _fanOut;
    readonly IDisposable _listening;
    readonly LiveBudget _budget = new();
    LogPosition _told;

    public LiveFeed(IFanOut fanOut)
    {
        _fanOut = fanOut;
        _listening = fanOut.Listen(Hear);
    }

    /// <summary>How many listen.</summary>
    public int Listeners
    {
        get
        {
            lock (_gate) return _channels.Values.Sum(c => c.Listeners);
        }
    }

    /// <summary>Called by the one who commits the pages of what serves, in their order.</summary>
    public void Committed(IReadOnlyList<TraceChange> changes, LogPosition upTo)
    {
        var told = _told;
        if (upTo > told) _told = upTo;
        foreach (var project in changes.Where(c => c.Last > told).GroupBy(c => c.Project, StringComparer.Ordinal))
            _fanOut.Publish(new(project.Key, upTo, [.. project.Select(c => new ChangedTrace(c.TraceId, c.First > told))]));
    }

    /// <summary>Hears a project's news in a voice's words until it is disposed of.</summary>
    /// <param name="wants">Null: everything.</param>
    public LiveSubscription Subscribe(string project, ILiveVoice voice, Predicate<LiveMessage>? wants = null)
    {
        lock (_gate)
        {
            if (!_channels.TryGetValue((project, voice), out var channel)) _channels[(project, voice)] = channel = new(project, voice);
            return channel.Add(new(wants, _budget, gone =>
            {
                lock (_gate)
                    if (channel.Remove(gone) == 0) _channels.Remove((project, voice));
            }));
        }
    }

    public void Dispose() => _listening.Dispose();

    void Hear(LiveNews news)
    {
        lock (_gate)
            foreach (var ((project, _), channel) in _channels)
                if (project == news.Project) channel.Hear(news);
    }
}

/// <summary>How a dialect words what changed. One instance for all its listeners.</summary>
public interface ILiveVoice
{
    /// <summary>Messages in the order they are to be sent; a trace that is no longer there makes none.</summary>
    Task<IReadOnlyList<LiveMessage>> SayAsync(LiveNews news, CancellationToken ct);
}

/// <summary>A message as it goes over the wire, made once and shared by all who get it.</summary>
/// <param name="About">What filters look at.</param>
public sealed record LiveMessage(LogPosition Position, ReadOnlyMemory<byte> Bytes, object? About = null);
