using System.IO.Compression;
using Hindcast.Application.ReadModels;
using Hindcast.Application.Search;
using MediatR;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hindcast.Application.Exports;

/// <summary>
/// Writes exports, one after another: a page of rows behind the last one, to the file, and the next page. However many rows there are, one
/// page is in memory, and rows that stay as they are come once each whatever is written meanwhile.
/// </summary>
public sealed class ExportWorker(ExportJobs jobs, IServiceScopeFactory scopes, TimeProvider clock, ILogger<ExportWorker> logger) : BackgroundService
{
    /// <summary>Texts may be megabytes each.</summary>
    const int PageSize = 100;
    const long MostBytes = 8L << 30;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await foreach (var (id, order) in jobs.Waiting.ReadAllAsync(stoppingToken))
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken, jobs.StopOf(id));
            try
            {
                jobs.Change(id, job => job with { State = ExportState.Processing, StartedAt = clock.GetUtcNow() });
                jobs.Complete(id, await WriteAsync(id, order, stop.Token));
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                if (!stoppingToken.IsCancellationRequested) jobs.End(id, ExportState.Cancelled, null);
            }
            catch (Exception e)
            {
                logger.LogWarning("An export ended with {Exception}", e.GetType().Name);
                jobs.End(id, ExportState.Failed, e is Unavailable or QueryTooSlow or Unprocessable ? e.Message : "The export could not be written.");
            }
        }
    }

    async Task<long> WriteAsync(Guid id, ExportOrder order, CancellationToken ct)
    {
        var limit = jobs.Find(id)!.Limit;
        var oldest = (await PageAsync(order.Search with { Sort = order.Search.Sort with { Descending = false }, Limit = 1, WithTexts = false }, ct)).Rows is [var first] ? first.StartedAt : 0;
        await using var file = new FileStream(jobs.PathOf(id), FileMode.Create, FileAccess.Write, FileShare.None);
        await using var to = jobs.Find(id)!.Gzip ? new GZipStream(file, CompressionLevel.Fastest) : (Stream)file;
        await to.WriteAsync(order.Form.Head, ct);
        var (rows, newest) = (0L, 0L);
        SearchPosition? after = null;
        do
        {
            var page = await PageAsync(order.Search with { After = after, Limit = (int)Math.Min(PageSize, limit - rows) }, ct);
            foreach (var row in page.Rows)
            {
                if (rows++ > 0) to.Write(order.Form.Between);
                order.Form.Row(row, to);
            }
            if (file.Length > MostBytes) throw new Unprocessable("export_too_large", $"The file would be larger than {MostBytes >> 30} GiB; choose fewer rows or fields");
            after = page.Next;
            if (page.Rows is not [.., var last]) continue;
            if (newest == 0) newest = page.Rows[0].StartedAt;
            var done = Math.Max((double)rows / limit, newest == oldest ? 1 : (double)(newest - last.StartedAt) / (newest - oldest));
            jobs.Change(id, job => job with { Rows = rows, Percent = Math.Clamp((int)(100 * done), job.Percent, 99) });
        }
        while (after is not null && rows < limit);
        await to.WriteAsync(order.Form.Tail, ct);
        return rows;
    }

    async Task<Found<SpanRow>> PageAsync(Search.Search search, CancellationToken ct)
    {
        await using var scope = scopes.CreateAsyncScope();
        return await scope.ServiceProvider.GetRequiredService<IMediator>().Send(new SearchSpans(search), ct);
    }
}
