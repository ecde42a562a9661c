using Hindcast.Application.Projects;
using Hindcast.Application.ReadModels;
using Hindcast.Application.Search;
using Hindcast.Application.Traces;
using MediatR;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Hindcast.Application.Operations;

/// <summary>
/// Asks the common questions once, of nobody's project, as soon as they can be answered: the first real caller does not wait for models
/// and queries to be compiled.
/// </summary>
sealed class WarmUp(ServingModels models, IServiceScopeFactory scopes, TimeProvider clock) : BackgroundService
{
    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (models.Progress.Values.Any(p => p.Generation == 0)) await Task.Delay(Pause, clock, stoppingToken);
        await using var scope = scopes.CreateAsyncScope();
        var app = scope.ServiceProvider.GetRequiredService<IMediator>();
        var nobody = new Caller("", "", Scopes.Read, "");
        try
        {
            await app.Send(new SearchSpans(new(SpanCatalogue.Instance, [""], Filter.Everything, new(SpanCatalogue.Instance.SortField("ts"), true), null, 1)), stoppingToken);
            await app.Send(new GetTraceTree(nobody, ""), stoppingToken);
        }
        catch (Exception e) when (e is NotFound or Unavailable or OperationCanceledException)
        {
            // Asked to be asked: nobody's trace is not there, and a database that is away will be warm later.
        }
    }
}
