using Hindcast.Application.Audit;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Projects;
using MediatR;

namespace Hindcast.Application.Views;

/// <summary>Adds a view, or puts another in the place of one.</summary>
/// <param name="Id">Null: a new one.</param>
/// <param name="View">Its filter and order have a meaning; id, project, maker and times are ignored.</param>
/// <exception cref="BadRequest">A member has no meaning; names it.</exception>
/// <exception cref="NotFound">The caller may manage no such view, or no such project.</exception>
/// <exception cref="ViewNameTaken">Names are unique in a project.</exception>
public sealed record SaveView(Caller By, string? Project, string? Id, SavedView View) : IRequest<SavedView>, IAudited
{
    const int MostViews = 1_000;
    const int LongestName = 255;
    const int LongestQuery = 4_000;
    const int MostColumns = 100;

    public Deed? Deed(object? answer) => new(By, Id is null ? "view.create" : "view.change", Id ?? (answer as SavedView)?.Id, (answer as SavedView)?.Project);

    internal sealed class Handler(SavedViews views, TimeProvider clock) : IRequestHandler<SaveView, SavedView>
    {
        public Task<SavedView> Handle(SaveView command, CancellationToken ct)
        {
            Check(command.View);
            var now = Streams.Micros(clock.GetUtcNow());
            var project = command.Id is { } id ? views.Managed(command.By, id).Project : command.By.Managed(command.Project);
            return views.PutAsync(project, all =>
            {
                var known = command.Id is null ? null : all.FirstOrDefault(v => v.Id == command.Id) ?? throw new NotFound($"There is no view '{command.Id}'.");
                if (all.Any(v => v.Name == command.View.Name && v.Id != command.Id)) throw new ViewNameTaken(command.View.Name);
                if (known is null && all.Count >= MostViews) throw new BadRequest("name", $"A project has at most {MostViews} views.");
                return command.View with
                {
                    Id = known?.Id ?? $"view_{Guid.CreateVersion7(now):n}", Project = project, CreatedBy = known?.CreatedBy ?? command.By.KeyId, Created = known?.Created ?? now, Updated = now,
                };
            }, ct);
        }

        static void Check(SavedView view)
        {
            if (view.Name.Length is 0 or > LongestName || view.Name.Any(char.IsControl)) throw new BadRequest("name", $"name must have 1 to {LongestName} characters and no control characters.");
            if (view.Query?.Length > LongestQuery) throw new BadRequest("query", $"query must have at most {LongestQuery} characters.");
            if (view.Columns.Count > MostColumns || view.Columns.Any(c => c.Length is 0 or > LongestName) || view.Columns.Distinct().Count() < view.Columns.Count)
                throw new BadRequest("columns", $"columns must be at most {MostColumns} different names of 1 to {LongestName} characters.");
        }
    }
}

/// <exception cref="NotFound">The caller may manage no such view.</exception>
public sealed record DeleteView(Caller By, string Id) : IRequest<SavedView>, IAudited
{
    public Deed? Deed(object? answer) => new(By, "view.delete", Id, (answer as SavedView)?.Project);

    internal sealed class Handler(SavedViews views) : IRequestHandler<DeleteView, SavedView>
    {
        public Task<SavedView> Handle(DeleteView command, CancellationToken ct) => views.TakeAsync(command.By, command.Id, ct);
    }
}

/// <summary>The views of the projects, by name.</summary>
public sealed record ListViews(IReadOnlyList<string>? Projects) : IRequest<IReadOnlyList<SavedView>>
{
    internal sealed class Handler(SavedViews views) : RequestHandler<ListViews, IReadOnlyList<SavedView>>
    {
        protected override IReadOnlyList<SavedView> Handle(ListViews query) =>
            [.. (query.Projects?.SelectMany(views.Of) ?? views.All).OrderBy(v => v.Name, StringComparer.Ordinal).ThenBy(v => v.Id, StringComparer.Ordinal)];
    }
}
