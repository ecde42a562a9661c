using Hindcast.Application;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Operations;
using MediatR;

namespace Hindcast.Api.Native;

/// <summary><c>GET /api/v1/receipts/{position}</c>: what happened to the fact that was acknowledged with that position (<c>native.md</c>).</summary>
/// <remarks>
/// <c>sha256</c> is over the fact's header and content as stored; the next fact of its stream names it as its <c>previous_sha256</c>. Positions mean
/// something in one log: <c>log_id</c> says which this is.
/// </remarks>
internal static class ReceiptDoor
{
    public static async Task<IResult> Get(string position, HttpContext http, IMediator app, IEventLog log, CancellationToken ct)
    {
        if (!long.TryParse(position, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var at))
            throw new BadRequest("position", "position must be a position as X-Log-Position gives it.");
        var receipt = await app.Send(new GetReceipt(http.Caller(), new(at)), ct);
        return Results.Json(new
        {
            Position = receipt.Record.Position.Value,
            Stream = receipt.Record.Stream.Value,
            receipt.TraceId,
            receipt.Record.Revision,
            receipt.Record.Type,
            EventId = receipt.Record.Id,
            RecordedAt = receipt.RecordedAt?.UtcDateTime,
            receipt.Sha256,
            PreviousSha256 = receipt.Previous,
            LogId = log.Id,
            Projections = receipt.Effects.Select(e => new { e.Name, Position = e.Position.Value, State = e.State switch { EffectState.Applied => "applied", EffectState.Parked => "parked", _ => "pending" }, e.Reason }),
        }, Envelope.Json);
    }
}
