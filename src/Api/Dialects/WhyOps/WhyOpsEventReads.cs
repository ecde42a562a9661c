using System.Text.Json;
using System.Text.Json.Serialization;
using Hindcast.Application;
using Hindcast.Application.Traces;
using MediatR;

namespace Hindcast.Api.Dialects.WhyOps;

/// <summary>Events as they were taken in (WhyOps contract, 2.4): <c>GET /api/events</c> and <c>/api/events/{id}</c>. Never another project's.</summary>
internal static class WhyOpsEventReads
{
    /// <summary>
    /// Newest first: <c>traceId</c> or <c>threadId</c>, <c>limit</c> (100, at most 200), <c>offset</c>, <c>include=content,metadata</c>. A
    /// <c>userId</c> other than the caller's has no events here, and no event has a <c>providerId</c>.
    /// </summary>
    public static async Task<IResult> List(HttpContext http, IMediator app, CancellationToken ct)
    {
        var given = new WhyOpsQuery(http.Request.Query);
        var (limit, offset) = (given.Whole("limit", 100, 1, 200), given.Whole("offset", 0, 0, int.MaxValue));
        var nobodys = given.Text("providerId") is not null || (given.Text("userId") is { } user && user != http.Caller().Project);
        var page = nobodys ? new([], 0) : await app.Send(new ListTraceEvents(http.Caller(), given.Text("traceId") ?? given.Text("threadId"), limit, offset), ct);
        return WhyOpsAnswers.Full(200, new
        {
            events = page.Events.Select(e => WhyOpsEventRow.Of(e, given.Includes("include", "content"), given.Includes("include", "metadata"))),
            pagination = new { total = page.Total, limit, offset, hasMore = (long)offset + limit < page.Total },
        });
    }

    public static async Task<IResult> Get(string id, HttpContext http, IMediator app, CancellationToken ct)
    {
        if (!Guid.TryParse(id, out var eventId)) throw new NotFound("Event not found");
        var page = await app.Send(new ListTraceEvents(http.Caller(), null, 1, 0) { EventId = eventId }, ct);
        return page.Events is [var e] ? WhyOpsAnswers.Full(200, WhyOpsEventRow.Of(e, content: true, metadata: true)) : throw new NotFound("Event not found");
    }
}

/// <summary>An event as it is listed. <c>userId</c> is the project it belongs to.</summary>
internal sealed record WhyOpsEventRow(
    Guid Id, string TraceId, string? SpanId, int? StepId, int? ParentStepId, string EventType, DateTime Timestamp, string UserId, string? ProviderId, DateTime CreatedAt,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] JsonElement? Content,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] JsonElement? Metadata)
{
    public static WhyOpsEventRow Of(TraceEvent e, bool content, bool metadata)
    {
        var (header, said) = (e.Fact.Header, content || metadata ? WhyOpsSaid.Of(e) : default);
        return new(
            header.EventId, e.Event.TraceId, header.SpanId, header.Step, header.ParentStep, header.Type, header.At.UtcDateTime, header.Project, null, header.RecordedAt.UtcDateTime,
            content ? said.Content : null, metadata ? said.Metadata : null);
    }
}
