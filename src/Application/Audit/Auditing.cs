using Hindcast.Application.EventSourcing;
using Hindcast.Domain;
using Hindcast.Domain.Projects;
using MediatR;

namespace Hindcast.Application.Audit;

/// <summary>
/// The one place that writes the audit list, around every command that asks for it: after the command's work and before its answer, so who has an
/// answer finds the line. What is refused did nothing and leaves none; what breaks off leaves one that says so.
/// </summary>
sealed class Auditing<TRequest, TResponse>(IAuditStore store, TimeProvider clock) : IPipelineBehavior<TRequest, TResponse> where TRequest : IAudited
{
    public async Task<TResponse> Handle(TRequest request, CancellationToken cancellationToken, RequestHandlerDelegate<TResponse> next)
    {
        TResponse answer;
        try
        {
            answer = await next();
        }
        catch (Exception e) when (e is not (BadRequest or NotFound or RuleBroken or Unprocessable))
        {
            await WriteAsync(request.Deed(null), Outcomes.Unknown);
            throw;
        }
        await WriteAsync(request.Deed(answer), Outcomes.Done);
        return answer;
    }

    /// <summary>Whether or not somebody still waits: it was done.</summary>
    Task WriteAsync(Deed? deed, string outcome) => deed is null ? Task.CompletedTask : store.AddAsync(
        new(0, Streams.Micros(clock.GetUtcNow()), deed.Project ?? deed.By?.Project ?? Project.Default, deed.By?.KeyId, deed.Action, deed.Target, outcome, deed.Address),
        CancellationToken.None);
}
