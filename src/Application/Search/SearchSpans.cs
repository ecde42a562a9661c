using Hindcast.Application.ReadModels;
using MediatR;

namespace Hindcast.Application.Search;

/// <summary>A page of spans.</summary>
public sealed record SearchSpans(Search Search) : IRequest<Found<SpanRow>>
{
    internal sealed class Handler(Finder finder) : IRequestHandler<SearchSpans, Found<SpanRow>>
    {
        public Task<Found<SpanRow>> Handle(SearchSpans query, CancellationToken ct) => finder.FindAsync<SpanRow>(query.Search, ct);
    }
}

/// <summary>A page of whole traces.</summary>
public sealed record SearchRuns(Search Search) : IRequest<Found<RunRow>>
{
    internal sealed class Handler(Finder finder) : IRequestHandler<SearchRuns, Found<RunRow>>
    {
        public Task<Found<RunRow>> Handle(SearchRuns query, CancellationToken ct) => finder.FindAsync<RunRow>(query.Search, ct);
    }
}
