using Hindcast.Application.EventSourcing;
using Microsoft.EntityFrameworkCore;

namespace Hindcast.Application.ReadModels;

/// <summary>Applies pages to one generation: rows, parked facts and checkpoint in one transaction each.</summary>
sealed class Follower(Projection projection, Generation generation, IReadStore store, TimeProvider clock, long epoch = 0)
{
    IProjector _projector = projection.Start(() => store.Open(projection, generation.Number, forWork: true));
    bool _ahead;

    public Generation Generation => generation;

    /// <summary>Is told which traces each commit changed, once this is what serves.</summary>
    public Action<IReadOnlyList<Live.TraceChange>, LogPosition>? Tell { get; set; }

    public int Parked { get; private set; }
    public DateTimeOffset? RecordedAt { get; private set; }

    /// <summary>
    /// Lets pages be folded while the one before is written. What cannot be written then ends the building; whoever goes on with it does so
    /// without this, and finds the fact at fault.
    /// </summary>
    public void Ahead()
    {
        _ahead = true;
        Restart();
    }

    /// <summary>Everything that was applied is durable, and from now on each page is when it is applied.</summary>
    public async Task InStepAsync(CancellationToken ct)
    {
        await store.FlushAsync(projection, generation.Number, ct);
        _ahead = false;
    }

    /// <summary>Claims the generation for this owner's epoch and reads where it stands.</summary>
    public async Task<LogPosition> StartAsync(CancellationToken ct)
    {
        var at = await store.ClaimAsync(projection, generation.Number, epoch, ct);
        await using var db = store.Open(projection, generation.Number, forWork: true);
        Parked = await db.Set<ParkedRow>().CountAsync(ct);
        return at;
    }

    public async Task<LogPosition> ApplyAsync(LogPage page, LogPosition from, CancellationToken ct)
    {
        try
        {
            await ApplyAsync(page.Records, from, page.Last, ct);
        }
        catch (Exception e) when (!_ahead && e is not (OperationCanceledException or Unavailable or CheckpointMoved))
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
        await using (var db = store.Open(projection, generation.Number, forWork: true))
            parked = await db.Set<ParkedRow>().AsNoTracking().OrderBy(p => p.Position).ToListAsync(ct);

        foreach (var row in parked)
        {
            var at = await StartAsync(ct);
            var record = await log.ReadAsync(new(row.Stream), row.Revision, ct).FirstAsync(ct);
            var failed = false;
            await using var batch = await store.BeginAsync(projection, generation.Number, epoch, ct);
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
            await using var batch = await store.BeginAsync(projection, generation.Number, epoch, ct);
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
            await using var batch = await store.BeginAsync(projection, generation.Number, epoch, ct, _ahead);
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
        var changes = Tell is null ? [] : _projector.Changes;
        _projector.Committed();
        if (changes.Count > 0) Tell!(changes, at);
    }

    /// <summary>What the projector remembered may be ahead of what was written.</summary>
    void Restart() => _projector = projection.Start(Open);

    ReadDb Open()
    {
        // What is read back has to be there. It is seldom: a page finds its traces in memory.
        if (_ahead) store.FlushAsync(projection, generation.Number, CancellationToken.None).GetAwaiter().GetResult();
        return store.Open(projection, generation.Number, forWork: true);
    }

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
