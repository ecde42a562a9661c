using System.ComponentModel.DataAnnotations.Schema;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Pricing;
using Hindcast.Application.Traces;
using Hindcast.Domain.Pricing;
using Microsoft.EntityFrameworkCore;

namespace Hindcast.Application.ReadModels;

/// <summary>A price that a project has set, in pico-USD per token.</summary>
[Table("prices"), PrimaryKey(nameof(Project), nameof(Model), nameof(Provider), nameof(ValidFrom), nameof(KnownFrom))]
public sealed class PriceRow
{
    public string Project { get; set; } = "";
    public string Model { get; set; } = "";
    /// <summary>Empty where nobody said: a key holds no null.</summary>
    public string Provider { get; set; } = "";
    /// <summary>µs UTC.</summary>
    public long ValidFrom { get; set; }
    public long KnownFrom { get; set; }
    public long Input { get; set; }
    public long Output { get; set; }
    public long? CacheRead { get; set; }
    public long? CacheWrite5m { get; set; }
    public long? CacheWrite1h { get; set; }

    public static PriceRow Of(string project, Price price) => new()
    {
        Project = project, Model = price.Model, Provider = price.Provider ?? "", ValidFrom = price.ValidFrom.Micros(), KnownFrom = price.Known.Micros(),
        Input = price.Input, Output = price.Output, CacheRead = price.CacheRead, CacheWrite5m = price.CacheWrite5m, CacheWrite1h = price.CacheWrite1h,
    };

    public Price Price() => new(
        Model, Time.At(ValidFrom), Input, Output, CacheRead, CacheWrite5m, CacheWrite1h, Provider.Length == 0 ? null : Provider, Time.At(KnownFrom));

    /// <summary>The project's book: what it has set, before what is built in.</summary>
    public static async Task<PriceBook> BookAsync(ReadDb db, string project, CancellationToken ct)
    {
        var rows = await db.Set<PriceRow>().Where(x => x.Project == project).ToListAsync(ct);
        return rows.Count == 0 ? BuiltInPrices.Book : BuiltInPrices.Book.With(rows.Select(r => r.Price()));
    }
}

/// <summary>The price books as one follower has read them: each is a function of the facts up to where it stands, as everything else is.</summary>
sealed class PriceBooks(FactReader reader, Func<ReadDb> open)
{
    readonly Dictionary<string, PriceBook> _books = new(StringComparer.Ordinal);

    public async ValueTask<PriceBook> OfAsync(string project, CancellationToken ct)
    {
        if (_books.TryGetValue(project, out var book)) return book;
        await using var db = open();
        return _books[project] = await PriceRow.BookAsync(db, project, ct);
    }

    /// <summary>Takes in what a fact sets; null when it sets no prices.</summary>
    public async Task<IReadOnlyList<Price>?> TakeAsync(Fact fact, CancellationToken ct)
    {
        if (fact.Header.Type != SetPrices.Type || reader.PayloadOf(fact) is not { } payload) return null;
        var set = PricesJson.Read(payload.Span);
        _books[fact.Header.Project] = (await OfAsync(fact.Header.Project, ct)).With(set);
        return set;
    }
}
