using Hindcast.Domain.Gateway;
using Hindcast.Domain.Pricing;
using Hindcast.Domain.Traces;

namespace Hindcast.Application.Gateway;

/// <summary>What a call may cost before it is made, and what it did cost after. Prices are those of the price book on the day.</summary>
public sealed class CallCosts(Ledger ledger, CallPrices prices, TimeProvider clock)
{
    /// <summary>Fewer bytes than most texts have for a token, so that what is reserved is rather too much.</summary>
    const int FewestBytesPerToken = 3;

    /// <summary>What an answer may have whose caller sets no bound.</summary>
    const int UnboundedOutput = 4_096;

    /// <summary>Reserves the most that any of the routes may use.</summary>
    /// <exception cref="GatewayRefusal">A quota or a budget has not that much left.</exception>
    public async ValueTask<CallCost> ReserveAsync(GatewayCall call, IReadOnlyList<Route> routes, IReadOnlyList<Budget> budgets, CancellationToken ct)
    {
        if (budgets.Count == 0 && call.Caller.MonthlyQuota is null) return new(null, null);
        var now = clock.GetUtcNow();
        var input = (call.Form.Body.Length + FewestBytesPerToken - 1) / FewestBytesPerToken;
        var output = call.Protocol == Protocol.Embeddings ? 0 : SaturatingTimes(call.Form.MostOutput ?? UnboundedOutput, call.Form.Choices);
        var usage = new Usage { Input = input, Output = output };
        var book = await prices.OfAsync(call.Caller, ct);
        var costs = routes.Select(r => book.CostOf(usage, r.Model, now).Total).ToList();
        var most = new Amount(1, Usage.Add(input, output)!.Value, costs.Max() ?? 0);
        return new(ledger.Reserve(call.Caller, call.UserId, budgets, most, priced: !costs.Contains(null)), book);
    }

    /// <summary>Adds what an attempt used; the last one settles the reservation.</summary>
    public void Settle(CallCost cost, Attempt attempt, Usage? usage)
    {
        if (cost is not { Reservation: { } reservation, Prices: { } book }) return;
        var spent = attempt.CacheHit ? 0 : book.CostOf(usage, attempt.Route.Model, attempt.StartedAt).Total;
        var (tokens, pico) = cost.Add(usage?.Total ?? 0, usage is null ? 0 : spent);
        if (!attempt.Superseded) ledger.Settle(reservation, tokens, pico);
    }

    /// <summary>No attempt was made.</summary>
    public void Release(CallCost cost)
    {
        if (cost.Reservation is { } reservation) ledger.Release(reservation);
    }

    static long SaturatingTimes(long a, long b) => (long)Int128.Min((Int128)a * b, Usage.Most);
}

/// <summary>What was reserved for a call, and what its attempts used so far.</summary>
/// <param name="prices">Those it was reserved by.</param>
public sealed class CallCost(Ledger.Reservation? reservation, PriceBook? prices)
{
    long _tokens;
    long? _pico = 0;

    public Ledger.Reservation? Reservation => reservation;
    public PriceBook? Prices => prices;

    public (long Tokens, long? Pico) Add(long tokens, long? pico) => (_tokens = Usage.Add(_tokens, tokens)!.Value, _pico = _pico is null || pico is null ? null : _pico + pico);
}
