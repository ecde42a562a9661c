using Hindcast.Application.EventSourcing;
using MediatR;

namespace Hindcast.Application.ReadModels;

/// <summary>
/// Around every request: what the engine of the read models does is no surprise to who asks. One that does not answer is 503 at once; a
/// generation that another node replaced meanwhile is asked again in its successor.
/// </summary>
sealed class Reading<TRequest, TResponse>(ServingModels models, IReadStore store, IEventLog log) : IPipelineBehavior<TRequest, TResponse>
{
    static readonly TimeSpan Soon = TimeSpan.FromSeconds(1);

    public async Task<TResponse> Handle(TRequest request, CancellationToken cancellationToken, RequestHandlerDelegate<TResponse> next)
    {
        try
        {
            return await AskAsync(next);
        }
        catch (Exception e) when (store.Judge(e) is QueryFailure.Gone)
        {
            await models.RefreshAsync(log.Id, cancellationToken);
            return await AskAsync(next);
        }
    }

    async Task<TResponse> AskAsync(RequestHandlerDelegate<TResponse> next)
    {
        try
        {
            return await models.AskAsync(() => next());
        }
        catch (Exception e) when (store.Judge(e) is QueryFailure.Away)
        {
            throw new Unavailable("The read models do not answer.", Soon);
        }
        catch (Exception e) when (store.Judge(e) is QueryFailure.TooSlow)
        {
            throw new QueryTooSlow();
        }
    }
}
