using Hindcast.Application.ReadModels;
using Hindcast.Application.Search;

namespace Hindcast.Application.Exports;

public enum ExportState { Pending, Processing, Completed, Failed, Cancelled, Expired }

/// <summary>An export as it stands; the file beside it is there while it is completed and not expired.</summary>
/// <param name="File">What the file is called by who fetches it.</param>
public sealed record ExportJob(Guid Id, string Project, string Format, bool Gzip, string File, DateTimeOffset CreatedAt, int Limit)
{
    public ExportState State { get; init; } = ExportState.Pending;
    public DateTimeOffset? StartedAt { get; init; }
    public DateTimeOffset? EndedAt { get; init; }
    public DateTimeOffset? ExpiresAt { get; init; }
    public long Rows { get; init; }
    /// <summary>Of the file.</summary>
    public long? Bytes { get; init; }
    /// <summary>0 to 100; never goes back.</summary>
    public int Percent { get; init; }
    public string? Error { get; init; }

    public bool IsUnderWay => State is ExportState.Pending or ExportState.Processing;
}

/// <summary>How rows become bytes.</summary>
public sealed record ExportForm(byte[] Head, byte[] Between, byte[] Tail, Action<SpanRow, Stream> Row);

/// <summary>What to export and how.</summary>
public sealed record ExportOrder(Search.Search Search, ExportForm Form);

/// <summary>What is asked of an export cannot be done as it stands.</summary>
public sealed class ExportStands(ExportState state, string consequence) : Domain.RuleBroken($"The export is {state.ToString().ToLowerInvariant()}; {consequence}.");
