using Hindcast.Application.Projects;
using Hindcast.Application.ReadModels;
using Hindcast.Domain.Pricing;
using MediatR;

namespace Hindcast.Application.Pricing;

/// <summary>The project's price book.</summary>
public sealed record GetPrices(Caller Caller) : IRequest<PriceBook>
{
    internal sealed class Handler(ServingModels models) : IRequestHandler<GetPrices, PriceBook>
    {
        public async Task<PriceBook> Handle(GetPrices query, CancellationToken ct)
        {
            await using var db = models.Open("traces");
            return await PriceRow.BookAsync(db, query.Caller.Project, ct);
        }
    }
}
