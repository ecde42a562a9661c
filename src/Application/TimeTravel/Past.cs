using System.Collections.Concurrent;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.ReadModels;

namespace Hindcast.Application.TimeTravel;

/// <summary>The read models as one request sees them that asks for a time gone by.</summary>
public sealed class Past : IDisposable
{
    readonly Pasts _pasts;
    readonly IReadOnlyList<string>? _projects;
    readonly ConcurrentQueue<Kept> _taken = new();
    readonly Kept _traces;

    internal Past(Pasts pasts, Kept traces) => (_pasts, _projects, AsOf, _traces) = (pasts, traces.Wanted.Projects, traces.Wanted.AsOf, traces);

    /// <summary>What is now to the request.</summary>
    public DateTimeOffset AsOf { get; internal init; }

    /// <summary>The last fact it shows.</summary>
    public LogPosition Position => _traces.Building.Result.Position;

    public Search.ISqlDialect Dialect => _pasts.Dialect;

    /// <summary>Traces, with all but their texts.</summary>
    public ReadDb Open(string projection) => projection == _traces.Wanted.Projection ? _pasts.Open(_traces) : throw new ArgumentOutOfRangeException(nameof(projection));

    /// <summary>As <see cref="ServingModels.BesideAsync"/>; what few ask for is only built when one does.</summary>
    public async Task<string> BesideAsync(ReadDb db, string projection, CancellationToken ct)
    {
        var kept = await _pasts.TakeAsync(new(projection, _projects, AsOf), ct);
        _taken.Enqueue(kept);
        return await _pasts.BesideAsync(db, kept, ct);
    }

    public void Dispose()
    {
        _pasts.Leave(_traces);
        while (_taken.TryDequeue(out var kept)) _pasts.Leave(kept);
    }
}
