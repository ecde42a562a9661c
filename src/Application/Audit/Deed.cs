using Hindcast.Application.Projects;

namespace Hindcast.Application.Audit;

/// <summary>A command that goes into the audit list (<see cref="Auditing{TRequest, TResponse}"/>).</summary>
public interface IAudited
{
    /// <summary>Who does what to what; never a secret, and no text of a user's.</summary>
    /// <param name="answer">What the handler answered; null when it did not come to its end.</param>
    /// <returns>Null when nothing was done.</returns>
    Deed? Deed(object? answer);
}

/// <summary>Something that was done.</summary>
/// <param name="By">Null: nobody the house knows, at a sign-in that was refused.</param>
/// <param name="Action">Noun and verb: <c>key.create</c>.</param>
/// <param name="Target">The id of what it was done to.</param>
/// <param name="Project">Whose it is; null: of whoever does it.</param>
public sealed record Deed(Caller? By, string Action, string? Target, string? Project = null)
{
    /// <summary>Where it came from, at sign-ins.</summary>
    public string? Address { get; init; }
}

/// <summary>A line of the audit list.</summary>
/// <param name="Position">Its place; later ones have higher ones, for good.</param>
/// <param name="Actor">The id of a key or a member, the subject of a token signed elsewhere, or how the command line calls itself.</param>
/// <param name="Outcome"><see cref="Outcomes"/>.</param>
public sealed record AuditRow(long Position, DateTimeOffset At, string Project, string? Actor, string Action, string? Target, string Outcome, string? Address);

public static class Outcomes
{
    public const string Done = "done";

    /// <summary>It broke off, after part of its work or all of it.</summary>
    public const string Unknown = "unknown";
}

/// <summary>Which lines to list; null members ask for nothing.</summary>
/// <param name="Before">A position: only what stands before it.</param>
public sealed record AuditSearch(string? Project, string? Actor, string? Action, DateTimeOffset? From, DateTimeOffset? To, long? Before, int Limit);

/// <summary>The audit list: it grows and never changes. What was added survives the death of the machine.</summary>
public interface IAuditStore
{
    /// <summary>The row's position is ignored: the list knows the next.</summary>
    Task AddAsync(AuditRow row, CancellationToken ct);

    /// <summary>The newest first.</summary>
    Task<IReadOnlyList<AuditRow>> ListAsync(AuditSearch search, CancellationToken ct);
}
