using System.Buffers.Binary;
using Hindcast.Application.Caching;

namespace Hindcast.Application.Search;

/// <summary>An answer and how much of the log it shows.</summary>
public sealed record CachedAnswer(ReadOnlyMemory<byte> Body, long Position);

/// <summary>Answers given lately. Each is kept for the project it shows; those that show several stand together.</summary>
public sealed class AnswerCache(IResponseCache answers)
{
    const string Several = "_several";

    /// <param name="projects">What the answer may show; null: all there are.</param>
    /// <param name="name">Everything it depends on, and who asked.</param>
    public async Task<CachedAnswer?> FindAsync(IReadOnlyList<string>? projects, string name, CancellationToken ct) =>
        await answers.GetAsync(KeyOf(projects, name), ct) is { } held ? new(held[sizeof(long)..], BinaryPrimitives.ReadInt64LittleEndian(held.Span)) : null;

    public async Task KeepAsync(IReadOnlyList<string>? projects, string name, CachedAnswer answer, TimeSpan time, CancellationToken ct)
    {
        var held = new byte[sizeof(long) + answer.Body.Length];
        BinaryPrimitives.WriteInt64LittleEndian(held, answer.Position);
        answer.Body.CopyTo(held.AsMemory(sizeof(long)));
        await answers.SetAsync(KeyOf(projects, name), held, time, ct);
    }

    /// <summary>Every answer that shows something of a project, whoever keeps it: those of models too.</summary>
    public async Task ForgetAsync(string project, CancellationToken ct)
    {
        await answers.ForgetAsync(project, ct);
        await answers.ForgetAsync(Several, ct);
    }

    static CacheKey KeyOf(IReadOnlyList<string>? projects, string name) =>
        CacheKey.Of(projects is [var one] ? one : Several, ["search", .. projects is null ? ["*"] : (string[])["", .. projects], name]);
}
