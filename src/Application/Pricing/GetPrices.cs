using Hindcast.Application.Projects;
using Hindcast.Domain.Pricing;
using MediatR;

namespace Hindcast.Application.Pricing;

/// <summary>The project's price book.</summary>
public sealed record GetPrices(Caller Caller) : IRequest<PriceBook>
{
    internal sealed class Handler : RequestHandler<GetPrices, PriceBook>
    {
        protected override PriceBook Handle(GetPrices query) => BuiltInPrices.Book;
    }
}
