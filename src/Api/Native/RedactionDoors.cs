using Hindcast.Application;
using Hindcast.Application.Redaction;
using Hindcast.Domain.Redaction;
using MediatR;

namespace Hindcast.Api.Native;

/// <summary><c>/api/v1/redaction</c>: what a project does not want to keep, taken out before anything is stored.</summary>
internal static class RedactionDoors
{
    public static async Task<IResult> Get(string? project_id, HttpContext http, IMediator app, CancellationToken ct) =>
        Results.Json(await app.Send(new GetRedaction(http.Caller(), project_id), ct), Envelope.Json);

    /// <summary>All the rules; what is not named is off.</summary>
    public static async Task<IResult> Put(HttpContext http, IMediator app, CancellationToken ct)
    {
        var body = await KeyBody.ReadAsync(http, ct);
        var rules = RulesOf(body) ?? RedactionRules.None;
        await app.Send(new SetRedaction(http.Caller(), body.Text("project_id"), rules), ct);
        return Results.Json(rules, Envelope.Json);
    }

    /// <summary>What rules would have found between two times (<c>from</c> inclusive, <c>to</c> exclusive, now without); without rules, those in force.</summary>
    public static async Task<IResult> Try(HttpContext http, IMediator app, TimeProvider clock, CancellationToken ct)
    {
        var body = await KeyBody.ReadAsync(http, ct);
        var given = new QueryValues(http.Request.Query);
        var to = given.Moment("to") ?? clock.GetUtcNow();
        var from = given.Moment("from") ?? throw new BadRequest("from", "from is needed: an ISO 8601 time with Z or an offset.");
        var tried = await app.Send(new TryRedaction(http.Caller(), body.Text("project_id"), RulesOf(body), from, to), ct);
        return Results.Json(new
        {
            From = from.UtcDateTime, To = to.UtcDateTime, tried.Facts, tried.Complete,
            Rules = tried.Rules.Select(r => new
            {
                r.Rule, r.Action, r.Facts, r.Matches,
                Examples = r.Examples.Select(e => new { Position = e.Position.Value, e.TraceId, e.SpanId, e.Type, e.Masked }),
            }),
        }, Envelope.Json);
    }

    /// <summary>Null: the body names no rule.</summary>
    static RedactionRules? RulesOf(KeyBody body)
    {
        var patterns = body.Objects("patterns");
        var rules = new RedactionRules
        {
            Secrets = Action(body, "secrets") ?? RedactionAction.Off,
            Emails = Action(body, "emails") ?? RedactionAction.Off,
            Cards = Action(body, "cards") ?? RedactionAction.Off,
            Patterns = [.. (patterns ?? []).Select((p, i) => new OwnPattern(
                p.Text("name") ?? throw new BadRequest($"patterns[{i}].name", "A pattern needs a name."),
                p.Text("pattern") ?? throw new BadRequest($"patterns[{i}].pattern", "A pattern needs a pattern."),
                Action(p, "action") ?? RedactionAction.Replace))],
        };
        return patterns is null && Action(body, "secrets") is null && Action(body, "emails") is null && Action(body, "cards") is null ? null : rules;
    }

    static RedactionAction? Action(KeyBody body, string name) => body.Text(name) switch
    {
        null => null,
        "off" => RedactionAction.Off,
        "flag" => RedactionAction.Flag,
        "replace" => RedactionAction.Replace,
        _ => throw new BadRequest(name, $"{name} must be off, flag or replace."),
    };
}
