using Hindcast.Application.EventSourcing;

namespace Hindcast.Application.ReadModels;

/// <summary>Keeps the serving generation at the head until it is told to stop; it stops between two pages.</summary>
sealed class Following : IAsyncDisposable
{
    /// <summary>How long a follower at the head lets events gather: a transaction costs as much for one as for hundreds. The first after a pause waits for nothing.</summary>
    static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(25);
    const int MostParked = 10_000;

    /// <summary>Who yields works a sixth of the time while the others keep up, and a twentieth while they do not.</summary>
    const int Yielding = 5, YieldingMore = 19;

    readonly IEventLog _log;
    readonly ProjectionProgress _progress;
    readonly TimeProvider _clock;
    readonly CancellationTokenSource _stop = new();
    readonly Func<(LogPosition At, bool KeepUp)>? _others;
    readonly GivingWay? _toCalls;

    /// <param name="others">How far the other projections are, and whether they keep up, where this one yields to them.</param>
    public Following(
        Follower follower, LogPosition at, IEventLog log, ProjectionProgress progress, TimeProvider clock, CancellationToken ct,
        Func<(LogPosition At, bool KeepUp)>? others = null, GivingWay? toCalls = null)
    {
        (_others, _toCalls) = (others, toCalls);
        (Follower, At, _log, _progress, _clock) = (follower, at, log, progress, clock);
        _progress.Generation = follower.Generation.Number;
        Run = Task.Run(() => RunAsync(ct), CancellationToken.None);
    }

    public Follower Follower { get; }
    public LogPosition At { get; private set; }
    /// <summary>Ends when it was stopped, and fails when it cannot go on.</summary>
    public Task Run { get; }

    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await Run.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
    }

    async Task RunAsync(CancellationToken ct)
    {
        Reached(ProjectionState.CatchingUp);
        while (!_stop.IsCancellationRequested)
        {
            ct.ThrowIfCancellationRequested();
            using var pause = CancellationTokenSource.CreateLinkedTokenSource(ct, _stop.Token, _progress.Interrupted());
            if (_progress.ReplayWanted)
            {
                _progress.Replayed();
                await Follower.ReplayAsync(_log, ct);
                continue;
            }
            try
            {
                await foreach (var page in _log.FollowAheadAsync(At, pause.Token))
                {
                    if (_toCalls is not null) await _toCalls.RestAsync(_progress, Follower.RecordedAt, pause.Token);
                    var (began, before) = (_clock.GetTimestamp(), _others?.Invoke().At);
                    if (page.Records.Count > 0) At = await Follower.ApplyAsync(page, At, ct);
                    if (Follower.Parked > MostParked) throw new InvalidOperationException($"More than {MostParked} facts are parked.");
                    Reached(page.AtHead ? ProjectionState.Live : ProjectionState.CatchingUp);
                    if (_others?.Invoke() is { } others && others.At != before && !_progress.IsWaitedFor)
                        await _progress.WokenAsync(_clock.GetElapsedTime(began) * (others.KeepUp ? Yielding : YieldingMore), _clock, pause.Token);
                    if (page is { AtHead: true, Records.Count: > 0 }) await Task.Delay(Gather, _clock, pause.Token);
                    else pause.Token.ThrowIfCancellationRequested();
                }
            }
            catch (OperationCanceledException) when (pause.IsCancellationRequested && !ct.IsCancellationRequested)
            {
                // Stopped, or asked for something that is done between two pages.
            }
        }
    }

    void Reached(ProjectionState state)
    {
        _progress.Parked = Follower.Parked;
        _progress.Reached(At, Follower.RecordedAt, state);
    }
}
