using Hindcast.Application.EventSourcing;

namespace Hindcast.Application.Live;

/// <summary>Carries news to everybody who listens, on every node.</summary>
/// <remarks>
/// Every engine MUST keep these promises, and <c>FanOutContract</c> holds each engine to each of them:
/// <list type="number">
/// <item>Listeners of this process hear everything that is published in it, once, in order, before <see cref="Publish"/> returns.</item>
/// <item>Listeners of other nodes on the same engine hear it once, in order, a little later.</item>
/// <item>While the engine is away, this process goes on hearing itself; others miss what was published meanwhile. Publishing never fails or waits.</item>
/// </list>
/// </remarks>
public interface IFanOut
{
    void Publish(LiveNews news);

    /// <summary>Until it is disposed of. <paramref name="hear"/> is called one news at a time and must not wait.</summary>
    IDisposable Listen(Action<LiveNews> hear);
}

/// <summary>Traces of one project that a page of the log changed.</summary>
/// <param name="Position">Everything up to here can be read.</param>
public sealed record LiveNews(string Project, LogPosition Position, IReadOnlyList<ChangedTrace> Traces);

/// <param name="Created">Its first fact has just become readable.</param>
public readonly record struct ChangedTrace(string TraceId, bool Created);
