using Hindcast.Application.Audit;
using Hindcast.Application.Projects;
using MediatR;

namespace Hindcast.Application.Exports;

/// <summary>Puts an export into the queue.</summary>
public sealed record StartExport(Caller By, ExportJob Job, ExportOrder Order) : IRequest<ExportJob>, IAudited
{
    public Deed? Deed(object? answer) => new(By, "export.create", Job.Id.ToString(), Job.Project);

    internal sealed class Handler(ExportJobs jobs) : RequestHandler<StartExport, ExportJob>
    {
        protected override ExportJob Handle(StartExport command) => jobs.Start(command.Job, command.Order);
    }
}

/// <summary>False: it has ended already.</summary>
public sealed record CancelExport(Caller By, ExportJob Job) : IRequest<bool>, IAudited
{
    public Deed? Deed(object? answer) => answer is false ? null : new(By, "export.cancel", Job.Id.ToString(), Job.Project);

    internal sealed class Handler(ExportJobs jobs) : RequestHandler<CancelExport, bool>
    {
        protected override bool Handle(CancelExport command) => jobs.Cancel(command.Job.Id);
    }
}
