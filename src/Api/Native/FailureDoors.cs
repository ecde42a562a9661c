using System.Text.Json;
using Hindcast.Application;
using Hindcast.Application.Failures;
using Hindcast.Application.ReadModels;
using Hindcast.Domain.Analytics;
using MediatR;

namespace Hindcast.Api.Native;

/// <summary><c>GET /api/v1/failures/groups</c>: what goes wrong, in the Observatory's envelope.</summary>
internal static class FailureDoors
{
    static readonly string[] s_categories = [FailureRow.Failed, FailureRow.Retried, FailureRow.Warning, ListFailureGroups.Slow];

    /// <summary>
    /// <c>from</c> and <c>to</c> (the last seven days), <c>category</c> (failed, retried, warning, slow), <c>environment</c>, <c>model</c>,
    /// <c>limit</c> (50, at most 200), <c>cursor</c>.
    /// </summary>
    public static async Task<IResult> Groups(HttpContext http, IMediator app, TimeProvider clock, CancellationToken ct)
    {
        var started = clock.GetTimestamp();
        var (given, then) = (new QueryValues(http.Request.Query), http.Past()?.AsOf.Micros());
        var to = given.Moment("to") ?? Time.At(Time.Latest);
        var query = new ListFailureGroups(http.Caller(), given.Moment("from") ?? http.Now().AddDays(-7), to, given.Whole("limit", 50, 1, 200))
        {
            Category = given.Text("category"), Environment = given.Text("environment"), Model = given.Text("model"),
            After = given.Text("cursor") is { } cursor ? CursorOf(cursor, then) : null,
        };
        if (query.Category is { } category && !s_categories.Contains(category)) throw new BadRequest("category", $"category must be one of {string.Join(", ", s_categories)}");
        if (query.From >= query.To) throw new BadRequest("to", "to must lie after from");

        var page = await app.Send(query, ct);
        return Results.Json(new
        {
            status = "success",
            data = page.Groups.Select(g => new
            {
                g.Id, g.Category, g.Kind, g.Name, g.Message, pattern = Fingerprint.Pattern(g.Message), first_seen = Time.At(g.FirstAt).UtcDateTime,
                last_seen = Time.At(g.LastAt).UtcDateTime, g.Count, affected_users = g.Users, g.TraceId, g.SpanId,
                link = $"/api/v1/traces/{Uri.EscapeDataString(g.TraceId)}/tree",
            }),
            pagination = new
            {
                cursor = page.HasMore ? Convert.ToBase64String(JsonSerializer.SerializeToUtf8Bytes(new FailureGroupCursor(page.Groups[^1].LastAt, page.Groups[^1].Id, then), Envelope.Json)) : null,
                has_more = page.HasMore, limit = query.Limit,
            },
            meta = new
            {
                timestamp = clock.GetUtcNow(), execution_time_ms = (long)clock.GetElapsedTime(started).TotalMilliseconds, cached = false, version = "1.0", request_id = http.TraceIdentifier,
            },
        }, Envelope.Json);
    }

    static FailureGroupCursor CursorOf(string text, long? then)
    {
        var bytes = new byte[text.Length];
        try
        {
            if (Convert.TryFromBase64String(text, bytes, out var length) && JsonSerializer.Deserialize<FailureGroupCursor>(bytes.AsSpan(0, length), Envelope.Json) is { Id: not null } cursor && cursor.AsOf == then)
                return cursor;
        }
        catch (JsonException)
        {
            // Said below.
        }
        throw new BadRequest("cursor", "Invalid cursor: it is not one of ours, or of another as_of");
    }
}
