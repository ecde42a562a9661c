using System.Text.Json;
using Hindcast.Application.Payloads;
using Hindcast.Application.Pricing;
using Hindcast.Application.ReadModels;
using Hindcast.Domain.Pricing;
using MediatR;

namespace Hindcast.Api.Native;

/// <summary><c>/api/v1/prices</c> (<c>native.md</c>): the project's price book, in USD per million tokens.</summary>
internal static class PriceDoors
{
    const int MostBytes = 4 << 20;
    const int MostPrices = 10_000;

    /// <summary>Every price with where it comes from, <c>set</c> or <c>built_in</c>, and how far a re-pricing has come, if one is under way.</summary>
    public static async Task<IResult> List(HttpContext http, IMediator app, RepricingProgress repricing, CancellationToken ct)
    {
        var book = await app.Send(new GetPrices(http.Caller()), ct);
        return Results.Json(new
        {
            prices = InOrder(book.Set, "set").Concat(InOrder(book.Listed, "built_in")),
            repricing = repricing.Of(http.Caller().Project) is var (done, total) ? new { traces_done = done, traces_total = total } : null,
        }, Envelope.Json);

        static IEnumerable<PriceJson> InOrder(IEnumerable<Price> prices, string source) =>
            prices.OrderBy(p => p.Provider, StringComparer.Ordinal).ThenBy(p => p.Model, StringComparer.Ordinal).ThenBy(p => p.ValidFrom).ThenBy(p => p.Known)
                .Select(p => PriceJson.Of(p, source));
    }

    /// <summary>
    /// Takes an array of prices, or <c>{"prices": […]}</c>: all of them or, when any cannot be read, none. 200 with <c>X-Log-Position</c>:
    /// what shows that position shows the new money.
    /// </summary>
    public static async Task<IResult> Set(HttpContext http, IMediator app, TimeProvider clock, CancellationToken ct)
    {
        using var body = await RequestBody.ReadAsync(http, MostBytes, ct);
        using var json = JsonBatch.Parse(body.Bytes);
        IReadOnlyList<JsonElement> elements = json.IsArray ? json.Elements
            : json.Elements[0].TryGetProperty("prices", out var list) && list.ValueKind == JsonValueKind.Array ? [.. list.EnumerateArray()]
            : [json.Elements[0]];
        if (elements.Count is 0 or > MostPrices) throw new Application.BadRequest("prices", $"There must be 1 to {MostPrices} prices.");

        var (prices, errors) = (new List<Price>(), new List<object>());
        for (var i = 0; i < elements.Count; i++)
        {
            var faults = new List<Fault>();
            if (PriceJson.Read(elements[i], faults) is { } price) prices.Add(price);
            else errors.AddRange(faults.Select(f => new { index = i, field = f.Field, code = f.Code, message = f.Message }));
        }
        if (errors.Count > 0)
        {
            return Results.Json(new
            {
                error = new { code = "BAD_REQUEST", message = $"{errors.Count} faults in the prices; nothing was stored.", details = errors },
                meta = new { timestamp = clock.GetUtcNow() },
            }, Envelope.Json, statusCode: StatusCodes.Status400BadRequest);
        }
        var position = await app.Send(new SetPrices(http.Caller(), prices), ct);
        http.Response.Headers["X-Log-Position"] = position.ToString();
        return Results.Json(new { status = "success", stored = prices.Count, position = position.Value }, Envelope.Json);
    }
}
