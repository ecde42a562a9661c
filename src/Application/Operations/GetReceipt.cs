using Hindcast.Application.EventSourcing;
using Hindcast.Application.Projects;
using Hindcast.Application.ReadModels;
using MediatR;
using Microsoft.EntityFrameworkCore;

namespace Hindcast.Application.Operations;

/// <summary>What a projection made of a fact.</summary>
/// <param name="Position">How far the projection has come.</param>
/// <param name="Reason">Why it could not be applied.</param>
public sealed record Effect(string Name, LogPosition Position, EffectState State, string? Reason);

public enum EffectState { Pending, Applied, Parked }

/// <summary>A fact as it stands in the log, and what became of it.</summary>
/// <param name="TraceId">Null for a fact of no trace, and where the header cannot be read; so is the time.</param>
/// <param name="Sha256">Over its header and content, as stored: the fact behind it in its stream names it.</param>
/// <param name="Previous">The hash of the fact before it in its stream, as this one names it; null for the first, and where the header cannot be read.</param>
public sealed record Receipt(LogRecord Record, string? TraceId, DateTimeOffset? RecordedAt, string Sha256, string? Previous, IReadOnlyList<Effect> Effects);

/// <summary>What happened to the fact at a position.</summary>
/// <exception cref="NotFound">None stands there, or none the caller may see.</exception>
public sealed record GetReceipt(Caller Caller, LogPosition Position) : IRequest<Receipt>
{
    internal sealed class Handler(IEventLog log, ServingModels models) : IRequestHandler<GetReceipt, Receipt>
    {
        public async Task<Receipt> Handle(GetReceipt query, CancellationToken ct)
        {
            var record = await log.AtAsync(query.Position, ct);
            if (record is null || (query.Caller.Projects is { } projects && !projects.Contains(record.Stream.Project)))
                throw new NotFound($"There is no fact at position {query.Position}.");

            var header = Fact.TryOf(record, out _)?.Header;
            var effects = new List<Effect>();
            foreach (var (name, progress) in models.Progress.OrderBy(p => p.Key, StringComparer.Ordinal)) effects.Add(await EffectAsync(name, progress.Position, record, ct));
            return new(
                record, header?.TraceId, header?.RecordedAt, Convert.ToHexStringLower(Fact.HashOf(record.Header.Span, record.Content.Span)),
                header is { Previous.IsEmpty: false } ? Convert.ToHexStringLower(header.Previous.Span) : null, effects);
        }

        async Task<Effect> EffectAsync(string projection, LogPosition reached, LogRecord record, CancellationToken ct)
        {
            if (reached < record.Position) return new(projection, reached, EffectState.Pending, null);
            var position = record.Position.Value;
            await using var db = models.Open(projection);
            var parked = await db.Set<ParkedRow>().SingleOrDefaultAsync(p => p.Position == position, ct);
            return new(projection, reached, parked is null ? EffectState.Applied : EffectState.Parked, parked?.Reason);
        }
    }
}
