using Hindcast.Application.Projects;

namespace Hindcast.Application.Gateway;

/// <summary>One call as its caller made it: who, what, and what trace it belongs to. Ids are checked, and made where none were given.</summary>
public sealed record GatewayCall
{
    public required Caller Caller { get; init; }
    public required Protocol Protocol { get; init; }
    public required RequestForm Form { get; init; }
    public required string TraceId { get; init; }
    /// <summary>Of the span of the attempt that counts.</summary>
    public required string SpanId { get; init; }
    public string? ParentSpanId { get; init; }
    public string? UserId { get; init; }
    public string? SessionId { get; init; }
    public string? Agent { get; init; }
    /// <summary>Headers a provider may see.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];
    /// <summary>The caller asked for an answer from the cache, where the project does not.</summary>
    public bool WantsCache { get; init; }
    /// <summary><c>Cache-Control: no-cache</c>: a new answer, which may be kept.</summary>
    public bool NoCache { get; init; }
    /// <summary><c>Cache-Control: no-store</c>: nothing is looked up or kept.</summary>
    public bool NoStore { get; init; }
}

/// <summary>Where an answer goes. The caller may be gone at any moment: then writing throws <see cref="OperationCanceledException"/>.</summary>
public interface IAnswerTo
{
    /// <summary>Sets the head; it goes out with the first bytes.</summary>
    void Begin(int status, string? contentType, IReadOnlyList<KeyValuePair<string, string>> headers, long? length);

    /// <summary>Writes and flushes.</summary>
    ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken ct);
}
