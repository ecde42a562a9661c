using Hindcast.Application.Operations;
using Microsoft.Extensions.Logging;

namespace Hindcast.Application.Intake;

/// <summary>Writes down what was counted, once a second and at the end. What a crash takes away is the last second, and the answer names it.</summary>
public sealed class IntakeCare(IntakeBook book, IIntakeStore store, TimeProvider clock, ILogger<IntakeCare> logger)
    : Chore(TimeSpan.FromSeconds(1), "What came in was counted and could not be written down", clock, logger)
{
    /// <summary>Where nothing is counted, how often that is written down.</summary>
    static readonly TimeSpan s_idle = TimeSpan.FromMinutes(1);

    readonly TimeProvider _clock = clock;
    readonly SemaphoreSlim _turn = new(1);
    DateTimeOffset _written;

    /// <summary>Everything counted before this moment is written down.</summary>
    public DateTimeOffset CountedUntil => _written;

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await store.BeginAsync(_written = _clock.GetUtcNow(), cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    protected override Task DoAsync(CancellationToken ct) => WriteAsync(s_idle, ends: false, ct);

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        if (_written == default) return; // It never began, and another's end is not its to tell.
        await WriteAsync(TimeSpan.Zero, ends: true, cancellationToken);
    }

    /// <summary>Writes down what was counted so far.</summary>
    public Task WriteAsync(CancellationToken ct) => WriteAsync(TimeSpan.Zero, ends: false, ct);

    async Task WriteAsync(TimeSpan idle, bool ends, CancellationToken ct)
    {
        await _turn.WaitAsync(ct);
        try
        {
            var now = _clock.GetUtcNow();
            var rows = book.Take();
            if (rows.Count == 0 && now - _written < idle) return;
            try
            {
                // What was taken out is in nobody's hands but these.
                await store.AddAsync(rows, now, ends, CancellationToken.None);
                _written = now;
            }
            catch
            {
                book.PutBack(rows);
                throw;
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    public override void Dispose()
    {
        _turn.Dispose();
        base.Dispose();
    }
}
