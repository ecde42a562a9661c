using Hindcast.Application.EventSourcing;
using Microsoft.EntityFrameworkCore;

namespace Hindcast.Application.ReadModels;

/// <summary>Applies pages to one generation: rows, parked facts and checkpoint in one transaction each.</summary>
/// <param name="tell">Is told which traces each commit changed.</param>
sealed class Follower(
    Projection projection, Generation generation, IReadStore store, TimeProvider clock, Action<IReadOnlyList<Live.TraceChange>, LogPosition>? tell = null)
{
    IProjector _projector = projection.Start(() => store.Open(projection, generation.Number));

    public int Parked { get; private set; }
    public DateTimeOffset? RecordedAt { get; private set; }

    /// <summary>Reads where this generation stands.</summary>
    public async Task<LogPosition> StartAsync(CancellationToken ct)
    {
        await using var db = store.Open(projection, generation.Number);
        Parked = await db.Set<ParkedRow>().CountAsync(ct);
        return new((await db.Set<CheckpointRow>().AsNoTracking().SingleAsync(ct)).Position);
    }

    public async Task<LogPosition> ApplyAsync(LogPage page, LogPosition from, CancellationToken ct)
    {
        try
        {
            await ApplyAsync(page.Records, from, page.Last, ct);
        }
        catch (Exception e) when (e is not (OperationCanceledException or Unavailable or CheckpointMoved))
        {
            foreach (var record in page.Records)
            {
                await ApplyOneAsync(record, from, ct);
                from = record.Position;
            }
        }
        return page.Last;
    }

    /// <summary>Applies the parked facts again, each in a transaction of its own; those that still fail stay.</summary>
    public async Task ReplayAsync(IEventLog log, CancellationToken ct)
    {
        List<ParkedRow> parked;
        await using (var db = store.Open(projection, generation.Number))
            parked = await db.Set<ParkedRow>().AsNoTracking().OrderBy(p => p.Position).ToListAsync(ct);

        foreach (var row in parked)
        {
            var at = await StartAsync(ct);
            var record = await log.ReadAsync(new(row.Stream), row.Revision, ct).FirstAsync(ct);
            var failed = false;
            await using var batch = await store.BeginAsync(projection, generation.Number, ct);
            try
            {
                await _projector.ApplyAsync([Fact.Of(record)], batch, (_, _) => failed = true, ct);
            }
            catch (Exception e) when (e is not (OperationCanceledException or Unavailable))
            {
                failed = true;
            }
            if (failed)
            {
                Restart();
                continue;
            }
            await batch.DeleteAsync([row], ct);
            await batch.CommitAsync(at, at, ct);
            Committed(at);
            Parked--;
        }
    }

    async Task ApplyOneAsync(LogRecord record, LogPosition from, CancellationToken ct)
    {
        try
        {
            await ApplyAsync([record], from, record.Position, ct);
        }
        catch (Exception e) when (e is not (OperationCanceledException or Unavailable or CheckpointMoved))
        {
            await using var batch = await store.BeginAsync(projection, generation.Number, ct);
            await batch.UpsertAsync([ParkedOf(record, e)], ct);
            await batch.CommitAsync(from, record.Position, ct);
            Parked++;
        }
    }

    async Task ApplyAsync(IReadOnlyList<LogRecord> records, LogPosition from, LogPosition to, CancellationToken ct)
    {
        var parked = new List<ParkedRow>();
        var facts = new List<Fact>(records.Count);
        foreach (var record in records)
        {
            if (Fact.TryOf(record, out var why) is { } fact) facts.Add(fact);
            else parked.Add(ParkedOf(record, why!));
        }

        try
        {
            await using var batch = await store.BeginAsync(projection, generation.Number, ct);
            var byPosition = records.ToDictionary(r => r.Position);
            await _projector.ApplyAsync(facts, batch, (fact, e) => parked.Add(ParkedOf(byPosition[fact.Position], e)), ct);
            await batch.UpsertAsync(parked, ct);
            await batch.CommitAsync(from, to, ct);
        }
        catch
        {
            Restart();
            throw;
        }
        Committed(to);
        Parked += parked.Count;
        if (facts.Count > 0) RecordedAt = facts[^1].Header.RecordedAt;
    }

    void Committed(LogPosition at)
    {
        var changes = tell is null ? [] : _projector.Changes;
        _projector.Committed();
        if (changes.Count > 0) tell!(changes, at);
    }

    /// <summary>What the projector remembered may be ahead of what was written.</summary>
    void Restart() => _projector = projection.Start(() => store.Open(projection, generation.Number));

    ParkedRow ParkedOf(LogRecord record, Exception why) => new()
    {
        Position = record.Position.Value,
        Stream = record.Stream.Value,
        Revision = record.Revision,
        EventId = record.Id.ToByteArray(bigEndian: true),
        Type = record.Type,
        Reason = why.Message.Length > 500 ? why.Message[..500] : why.Message,
        ParkedAt = clock.GetUtcNow().Micros(),
    };
}
