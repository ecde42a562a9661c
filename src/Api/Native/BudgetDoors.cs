using Hindcast.Application.Gateway;
using Hindcast.Domain.Gateway;
using MediatR;

namespace Hindcast.Api.Native;

/// <summary><c>/api/v1/budgets</c>: what a project, a key or a user may use in a minute, a day or a month (UTC).</summary>
internal static class BudgetDoors
{
    const decimal PicoPerUsd = 1_000_000_000_000m;

    public static async Task<IResult> List(string? project_id, HttpContext http, IMediator app, CancellationToken ct)
    {
        var budgets = await app.Send(new ListBudgets(http.Caller(), project_id), ct);
        return Results.Json(budgets.Select(b => new
        {
            b.Budget.Id, b.Budget.Subject, b.Budget.SubjectId, b.Budget.Period, b.Budget.Usd, b.Budget.Tokens, b.Budget.Requests,
            Used = b.Used.Select(u => new { SubjectId = u.Subject, PeriodStart = u.Start.UtcDateTime, Usd = u.Used.Pico / PicoPerUsd, u.Used.Tokens, u.Used.Requests }),
        }), Envelope.Json);
    }

    public static async Task<IResult> Put(string id, HttpContext http, IMediator app, CancellationToken ct)
    {
        var body = await KeyBody.ReadAsync(http, ct);
        var budget = new Budget
        {
            Id = id,
            Subject = body.Text("subject") ?? "project",
            SubjectId = body.Text("subject_id"),
            Period = body.Text("period") ?? "month",
            Usd = body.Number("usd") is { } usd ? (decimal)Math.Clamp(usd, -1, 1e9) : null,
            Tokens = body.Whole("tokens"),
            Requests = body.Whole("requests"),
        };
        await app.Send(new SetBudget(http.Caller(), body.Text("project_id"), budget), ct);
        return Results.Json(budget, Envelope.Json);
    }

    public static async Task<IResult> Delete(string id, string? project_id, HttpContext http, IMediator app, CancellationToken ct)
    {
        await app.Send(new DeleteBudget(http.Caller(), project_id, id), ct);
        return Results.NoContent();
    }
}
