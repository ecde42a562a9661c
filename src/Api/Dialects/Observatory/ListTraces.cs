using System.Globalization;
using System.Text;
using System.Text.Json;
using AutoMapper;
using Hindcast.Api.Native;
using Hindcast.Application;
using Hindcast.Application.ReadModels;
using Hindcast.Application.Traces;
using Hindcast.Domain.Traces;
using MediatR;

namespace Hindcast.Api.Dialects.Observatory;

/// <summary>
/// <c>GET /api/v1/traces</c> of the LLM Observatory contract (4.3, 4.6, 4.7): spans by start, filtered by query parameters, in pages
/// that a cursor continues. Ordered by <c>ts</c>; full-text search and the other orders are not there yet and are refused by name.
/// </summary>
internal static class ListTraces
{
    public static async Task<IResult> Handle(HttpContext http, IMediator app, IMapper mapper, TimeProvider clock, CancellationToken ct)
    {
        var started = clock.GetTimestamp();
        var query = QueryOf(http, clock.GetUtcNow());
        var page = await app.Send(query, ct);
        return Results.Json(new
        {
            status = "success",
            data = page.Rows.Select(mapper.Map<ObservatoryTrace>),
            pagination = new { cursor = page.HasMore ? CursorOf(page.Rows[^1], query.Descending) : null, has_more = page.HasMore, limit = query.Limit },
            meta = new
            {
                timestamp = clock.GetUtcNow(),
                execution_time_ms = (long)clock.GetElapsedTime(started).TotalMilliseconds,
                cached = false,
                version = "1.0",
                request_id = http.TraceIdentifier,
            },
        }, Envelope.Json);
    }

    static ListSpans QueryOf(HttpContext http, DateTimeOffset now)
    {
        var given = new Parameters(http.Request.Query);
        if (given.Text("project_id") is { } project && project != http.Caller().Project) throw new NotAllowed("Project access denied");
        if (given.Text("sort_by") is { } sort && sort != "ts") throw new BadRequest("sort_by", $"Invalid sort field: {sort}");
        if (given.Text("search") is not null) throw new BadRequest("search", "search is not supported yet");
        var limit = given.Whole("limit") ?? 50;
        if (limit < 1) throw new BadRequest("limit", "Limit must be at least 1");
        if (limit > 1000) throw new BadRequest("limit", "Limit cannot exceed 1000");
        var descending = given.Text("sort_order")?.ToLowerInvariant() switch
        {
            null or "desc" => true,
            "asc" => false,
            _ => throw new BadRequest("sort_order", "sort_order must be asc or desc"),
        };
        return new(http.Caller())
        {
            From = given.Time("from", now),
            To = given.Time("to", now),
            TraceId = given.Text("trace_id"),
            Provider = given.Text("provider"),
            Model = given.Text("model"),
            Status = given.Text("status") is { } status ? StatusOf(status) : null,
            MinDuration = given.Whole("min_duration"),
            MaxDuration = given.Whole("max_duration"),
            MinCost = given.Usd("min_cost"),
            MaxCost = given.Usd("max_cost"),
            MinTokens = given.Whole("min_tokens"),
            MaxTokens = given.Whole("max_tokens"),
            Environment = given.Text("environment"),
            UserId = given.Text("user_id"),
            SessionId = given.Text("session_id"),
            Descending = descending,
            After = given.Text("cursor") is { } cursor ? Cursor(cursor, descending) : null,
            Limit = (int)limit,
        };
    }

    static SpanStatus StatusOf(string status) => status.ToUpperInvariant() switch
    {
        "SUCCESS" or "OK" => SpanStatus.Success,
        "ERROR" => SpanStatus.Error,
        "UNSET" => SpanStatus.Running,
        _ => throw new BadRequest("status", "status must be SUCCESS, ERROR or UNSET"),
    };

    static string CursorOf(SpanRow last, bool descending) => Convert.ToBase64String(JsonSerializer.SerializeToUtf8Bytes(
        new SpanCursor(Time.At(last.StartedAt), last.TraceId, last.SpanId, descending), Envelope.Json));

    static SpanCursor Cursor(string text, bool descending)
    {
        var bytes = new byte[text.Length];
        try
        {
            if (Convert.TryFromBase64String(text, bytes, out var length)
                && JsonSerializer.Deserialize<SpanCursor>(bytes.AsSpan(0, length), Envelope.Json) is { TraceId: not null, SpanId: not null } cursor
                && !cursor.TraceId.Contains('\0') && !cursor.SpanId.Contains('\0'))
                return cursor.Descending == descending ? cursor : throw new BadRequest("cursor", "Invalid cursor: it was made for the other order");
        }
        catch (JsonException)
        {
            // Said below.
        }
        throw new BadRequest("cursor", "Invalid cursor: it is not one of ours");
    }

    /// <summary>Query parameters: empty is absent, and what cannot be read is named.</summary>
    readonly struct Parameters(IQueryCollection query)
    {
        /// <summary>No text of ours holds NUL, and PostgreSQL would not so much as look for one.</summary>
        public string? Text(string name) => query[name] is not [{ Length: > 0 } text] ? null
            : text.Contains('\0') ? throw new BadRequest(name, $"{name} must not contain NUL")
            : text;

        public long? Whole(string name) => Text(name) is not { } text ? null
            : long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? value
            : throw new BadRequest(name, $"{name} must be a whole number");

        public decimal? Usd(string name) => Text(name) is not { } text ? null
            : decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) ? value
            : throw new BadRequest(name, $"{name} must be a number");

        public DateTimeOffset? Time(string name, DateTimeOffset now) => Text(name) is not { } text ? null
            : Relative(text, now) ?? (Times.TryParseAsUtc(text, out var time) ? time : throw new BadRequest(name, $"{name} must be an ISO 8601 time, now, or now-1h"));

        /// <summary><c>now</c> and <c>now-15m</c>, with s, m, h, d or w.</summary>
        static DateTimeOffset? Relative(string text, DateTimeOffset now)
        {
            if (text == "now") return now;
            if (!text.StartsWith("now-", StringComparison.Ordinal) || text.Length < 6) return null;
            if (!int.TryParse(text.AsSpan(4, text.Length - 5), NumberStyles.None, CultureInfo.InvariantCulture, out var n) || n > 100_000) return null;
            return text[^1] switch
            {
                's' => now.AddSeconds(-n),
                'm' => now.AddMinutes(-n),
                'h' => now.AddHours(-n),
                'd' => now.AddDays(-n),
                'w' => now.AddDays(-7.0 * n),
                _ => null,
            };
        }
    }
}
