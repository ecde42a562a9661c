using Hindcast.Application.Gateway;
using Hindcast.Application.Projects;

namespace Hindcast.Application.Views;

/// <summary>A filter somebody gave a name, with how its rows are shown.</summary>
public sealed record SavedView : IShelved
{
    public required string Id { get; init; }
    public required string Project { get; init; }
    public required string Name { get; init; }
    /// <summary><c>traces</c> or <c>spans</c>: which rows the filter speaks of.</summary>
    public required string Rows { get; init; }
    /// <summary>The filter as it was said, JSON; null: every row. Relative times stay relative.</summary>
    public string? Filter { get; init; }
    /// <summary>The same as somebody typed it, for who shows it again.</summary>
    public string? Query { get; init; }
    public IReadOnlyList<string> Columns { get; init; } = [];
    public string SortBy { get; init; } = "ts";
    public bool SortDesc { get; init; } = true;
    public required string CreatedBy { get; init; }
    public required DateTimeOffset Created { get; init; }
    public required DateTimeOffset Updated { get; init; }
}

/// <summary>The saved views of all projects.</summary>
public sealed class SavedViews(IGatewayStore store) : Shelf<SavedView>(store, "view");

/// <summary>Another view of the project is called so.</summary>
public sealed class ViewNameTaken(string name) : Domain.RuleBroken($"There is a view '{name}' already.");
