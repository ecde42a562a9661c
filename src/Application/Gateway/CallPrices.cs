using System.Collections.Concurrent;
using Hindcast.Application.Pricing;
using Hindcast.Application.Projects;
using Hindcast.Domain.Pricing;
using MediatR;
using Microsoft.Extensions.DependencyInjection;

namespace Hindcast.Application.Gateway;

/// <summary>
/// The price book of a project as calls are reserved by it: at most ten seconds old. While the read model that holds it is not there, the last
/// one known stands, or the built-in one: a call does not wait for a projection.
/// </summary>
public sealed class CallPrices(IServiceScopeFactory scopes, TimeProvider clock)
{
    static readonly TimeSpan s_fresh = TimeSpan.FromSeconds(10);

    readonly ConcurrentDictionary<string, (PriceBook Book, DateTimeOffset At)> _books = new(StringComparer.Ordinal);

    public async ValueTask<PriceBook> OfAsync(Caller caller, CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        if (_books.TryGetValue(caller.Project, out var known) && now - known.At < s_fresh) return known.Book;
        var book = known.Book ?? BuiltInPrices.Book;
        try
        {
            await using var scope = scopes.CreateAsyncScope();
            book = await scope.ServiceProvider.GetRequiredService<IMediator>().Send(new GetPrices(caller), ct);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // Its read model is not there now; asked again when this one is old.
        }
        _books[caller.Project] = (book, now);
        return book;
    }
}
