using Hindcast.Application.Projects;
using Hindcast.Domain.Gateway;

namespace Hindcast.Application.Gateway;

/// <summary>How much: calls, tokens, and money in pico-USD.</summary>
public readonly record struct Amount(long Requests, long Tokens, long Pico)
{
    public static Amount operator +(Amount a, Amount b) => new(a.Requests + b.Requests, a.Tokens + b.Tokens, a.Pico + b.Pico);
    public static Amount operator -(Amount a, Amount b) => new(a.Requests - b.Requests, a.Tokens - b.Tokens, a.Pico - b.Pico);
}

/// <summary>
/// What is used of budgets and quotas. Before a call its most is reserved in all accounts it touches, or in none; after it the reservation
/// gives way to what it really used. So calls at the same time cannot use what is left twice. What was reserved when a process died stays used.
/// </summary>
public sealed class Ledger(IGatewayStore store, TimeProvider clock)
{
    readonly Lock _lock = new();
    readonly Dictionary<string, Account> _accounts = Load(store);
    readonly HashSet<string> _dirty = [];

    /// <summary>A reservation; it is settled once.</summary>
    public sealed class Reservation
    {
        internal List<(string Account, Amount Held)> Parts { get; } = [];
        internal bool Settled { get; set; }
    }

    /// <exception cref="QuotaExceeded">A month or a day is used up.</exception>
    /// <exception cref="RateExceeded">A minute is.</exception>
    public Reservation Reserve(Caller caller, string? user, IReadOnlyList<Budget> budgets, Amount most, bool priced)
    {
        var reservation = new Reservation();
        if (budgets.Count == 0 && caller.MonthlyQuota is null) return reservation;
        var now = clock.GetUtcNow();
        lock (_lock)
        {
            try
            {
                if (caller.MonthlyQuota is { } quota)
                    Take(reservation, $"{caller.Project}/quota:/{caller.KeyId}", Period.Month(now), new(quota, long.MaxValue, long.MaxValue), most, "The monthly quota of this key is used up.", now);
                foreach (var budget in budgets)
                {
                    if (SubjectOf(budget, caller, user) is not { } subject) continue;
                    if (budget.Usd is not null && !priced)
                        throw new GatewayRefusal(400, "invalid_request_error", $"The model has no price, so the budget '{budget.Id}' cannot hold it; give it a price first.");
                    Take(
                        reservation, $"{caller.Project}/{budget.Id}/{subject}", Period.Of(budget.Period, now),
                        new(budget.Requests ?? long.MaxValue, budget.Tokens ?? long.MaxValue, budget.Usd is { } usd ? Pico(usd) : long.MaxValue),
                        most, $"The budget '{budget.Id}' of this {budget.Period} is used up.", now);
                }
            }
            catch
            {
                Give(reservation);
                throw;
            }
        }
        return reservation;
    }

    /// <summary>What the call used in truth. Money that nobody can tell is taken to be what was reserved.</summary>
    public void Settle(Reservation reservation, long? tokens, long? pico)
    {
        lock (_lock)
        {
            if (reservation.Settled) return;
            reservation.Settled = true;
            foreach (var (name, held) in reservation.Parts)
                if (_accounts.TryGetValue(name, out var account)) Put(name, account with { Used = account.Used - held + new Amount(1, tokens ?? held.Tokens, pico ?? held.Pico) });
        }
    }

    /// <summary>The call was not made.</summary>
    public void Release(Reservation reservation)
    {
        lock (_lock)
        {
            if (!reservation.Settled) Give(reservation);
        }
    }

    /// <summary>Used and reserved of each account of a budget, by subject.</summary>
    public IReadOnlyList<(string Subject, DateTimeOffset Start, Amount Used)> Of(string project, string budgetId)
    {
        var prefix = $"{project}/{budgetId}/";
        lock (_lock)
        {
            return [.. from a in _accounts where a.Key.StartsWith(prefix, StringComparison.Ordinal) && clock.GetUtcNow() < a.Value.End
                       select (a.Key[prefix.Length..], a.Value.Start, a.Value.Used)];
        }
    }

    public async Task SaveAsync(CancellationToken ct)
    {
        List<LedgerRow> rows;
        var now = clock.GetUtcNow();
        lock (_lock)
        {
            foreach (var (name, account) in _accounts.Where(a => a.Value.End <= now).ToList()) _accounts.Remove(name);
            rows = [.. from name in _dirty
                       where _accounts.ContainsKey(name)
                       let a = _accounts[name]
                       select new LedgerRow(name, a.Start, a.End, a.Used.Requests, a.Used.Tokens, a.Used.Pico)];
            _dirty.Clear();
        }
        if (rows.Count == 0) return;
        try
        {
            await store.SaveAsync(rows, now, ct);
        }
        catch
        {
            lock (_lock) _dirty.UnionWith(rows.Select(r => r.Account));
            throw;
        }
    }

    void Take(Reservation reservation, string name, Period period, Amount limit, Amount most, string refusal, DateTimeOffset now)
    {
        // A late settlement of a call that began in the period before finds no account, which is right: that period is over.
        var account = _accounts.GetValueOrDefault(name) is { } known && known.Start == period.Start ? known : new Account(period.Start, period.End, default);
        var after = account.Used + most;
        if (after.Requests > limit.Requests || after.Tokens > limit.Tokens || after.Pico > limit.Pico)
            throw period.End - period.Start <= TimeSpan.FromMinutes(1) ? new RateExceeded(refusal, period.End - now) : new QuotaExceeded(refusal);
        Put(name, account with { Used = after });
        reservation.Parts.Add((name, most));
    }

    void Give(Reservation reservation)
    {
        reservation.Settled = true;
        foreach (var (name, held) in reservation.Parts)
            if (_accounts.TryGetValue(name, out var account)) Put(name, account with { Used = account.Used - held });
    }

    void Put(string name, Account account)
    {
        _accounts[name] = account;
        _dirty.Add(name);
    }

    static string? SubjectOf(Budget budget, Caller caller, string? user)
    {
        var subject = budget.Subject switch { "key" => caller.KeyId, "user" => user, _ => caller.Project };
        return subject is null || (budget.SubjectId is not null && budget.SubjectId != subject) ? null : subject;
    }

    static long Pico(decimal usd) => usd >= 9_000_000m ? long.MaxValue : (long)(usd * 1_000_000_000_000m);

    static Dictionary<string, Account> Load(IGatewayStore store) =>
        store.LedgerAsync(CancellationToken.None).GetAwaiter().GetResult()
            .ToDictionary(r => r.Account, r => new Account(r.Start, r.End, new(r.Requests, r.Tokens, r.Pico)), StringComparer.Ordinal);

    sealed record Account(DateTimeOffset Start, DateTimeOffset End, Amount Used);

    readonly record struct Period(DateTimeOffset Start, DateTimeOffset End)
    {
        public static Period Of(string name, DateTimeOffset now) => name switch
        {
            "minute" => From(new(now.Year, now.Month, now.Day, now.Hour, now.Minute, 0, TimeSpan.Zero), t => t.AddMinutes(1)),
            "day" => From(new(now.Year, now.Month, now.Day, 0, 0, 0, TimeSpan.Zero), t => t.AddDays(1)),
            _ => Month(now),
        };

        public static Period Month(DateTimeOffset now) => From(new(now.Year, now.Month, 1, 0, 0, 0, TimeSpan.Zero), t => t.AddMonths(1));

        static Period From(DateTimeOffset start, Func<DateTimeOffset, DateTimeOffset> next) => new(start, next(start));
    }
}
