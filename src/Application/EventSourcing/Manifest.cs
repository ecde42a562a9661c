using System.Buffers.Binary;

namespace Hindcast.Application.EventSourcing;

/// <summary>What stands in place of a parted fact's content: eight bytes that no JSON and no protobuf message begins with, then how much there is.</summary>
readonly record struct Manifest(int Parts, int Length)
{
    public const string PartType = "content_part";
    const byte Literal = 0, Parted = 1;
    const int Size = 8 + 1 + 4 + 4;

    static ReadOnlySpan<byte> Magic => "\0HCPARTS"u8;

    public static int PartsOf(int contentLength) => (contentLength + PartedLog.PartSize - 1) / PartedLog.PartSize;

    public static bool IsPart(LogRecord record) => record.Type == PartType;

    /// <summary>Stored content that is not to be handed out as it is.</summary>
    public static bool Marks(ReadOnlySpan<byte> content) => content.StartsWith(Magic);

    public static byte[] Write(int contentLength)
    {
        var manifest = new byte[Size];
        Magic.CopyTo(manifest);
        manifest[8] = Parted;
        BinaryPrimitives.WriteInt32LittleEndian(manifest.AsSpan(9), PartsOf(contentLength));
        BinaryPrimitives.WriteInt32LittleEndian(manifest.AsSpan(13), contentLength);
        return manifest;
    }

    public static Manifest? Read(ReadOnlySpan<byte> content)
    {
        if (content.Length != Size || content[8] != Parted) return null;
        var manifest = new Manifest(BinaryPrimitives.ReadInt32LittleEndian(content[9..]), BinaryPrimitives.ReadInt32LittleEndian(content[13..]));
        return manifest.Length > 0 && manifest.Parts == PartsOf(manifest.Length) ? manifest : null;
    }

    public static byte[] Marked(ReadOnlySpan<byte> content) => [.. Magic, Literal, .. content];

    // The cast matters: a bare null would become empty memory.
    public static ReadOnlyMemory<byte>? Unmarked(ReadOnlyMemory<byte> content) =>
        content.Length > 8 && content.Span[8] == Literal ? content[9..] : (ReadOnlyMemory<byte>?)null;
}
