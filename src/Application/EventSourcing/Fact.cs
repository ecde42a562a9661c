using System.Security.Cryptography;

namespace Hindcast.Application.EventSourcing;

/// <summary>A stored fact as it was read back: its clear header, its content still as stored, and its place.</summary>
public sealed record Fact(Header Header, ReadOnlyMemory<byte> Content, StreamName Stream, long Revision, LogPosition Position)
{
    public static Fact Of(LogRecord record) =>
        new(HeaderJson.Read(record.Header.Span), record.Content, record.Stream, record.Revision, record.Position);

    /// <summary>Null when the header cannot be read, by this release or by any, and then <paramref name="why"/> says so.</summary>
    public static Fact? TryOf(LogRecord record, out Exception? why)
    {
        why = null;
        try
        {
            return Of(record);
        }
        catch (Exception e) when (e is System.Text.Json.JsonException or FormatException or InvalidOperationException)
        {
            why = e;
            return null;
        }
    }

    /// <summary>Kept, because making one costs as much as hashing a fact.</summary>
    [ThreadStatic] static IncrementalHash? t_sha;

    /// <summary>The link of the hash chain: SHA-256 over the header's bytes and the content's bytes, as stored.</summary>
    public static byte[] HashOf(ReadOnlySpan<byte> header, ReadOnlySpan<byte> content)
    {
        var sha = t_sha ??= IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        sha.AppendData(header);
        sha.AppendData(content);
        return sha.GetHashAndReset();
    }
}

/// <summary>
/// Content in two parts: the payload exactly as it was received, and what came beside it (a header that names the user, say).
/// </summary>
public readonly record struct Content(ReadOnlyMemory<byte> Payload, ReadOnlyMemory<byte> Context)
{
    public int Length => Payload.Length + Context.Length;

    public ReadOnlyMemory<byte> Join() => Context.IsEmpty ? Payload : (byte[])[.. Payload.Span, .. Context.Span];

    public static Content Split(ReadOnlyMemory<byte> stored, int? payloadBytes) =>
        payloadBytes is { } n ? new(stored[..n], stored[n..]) : new(stored, default);
}
