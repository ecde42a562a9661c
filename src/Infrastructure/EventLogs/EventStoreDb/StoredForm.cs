using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Google.Protobuf;
using Hindcast.Application.EventSourcing;
using Hindcast.Infrastructure.EventLogs.EventStoreDb.Wire;

namespace Hindcast.Infrastructure.EventLogs.EventStoreDb;

/// <summary>A fact as EventStoreDB keeps it, and back.</summary>
/// <remarks>
/// The content is the event's data, byte for byte; it is marked as JSON when it is, so that the server's own pages show it. The header is JSON
/// and stands in the metadata, between a beginning and an end of ours, byte for byte too, because the hash chain covers it:
/// <code>{"id":"…","left":0,"crc32c":"0123abcd","header":{…}}</code>
/// <c>id</c> is the fact's. The server's own event id is another one, new for each append: for the server a known id means "done already",
/// whatever the bytes, and another process's answer would be taken for our own. <c>left</c> is how many events of the same append follow, so
/// that a reader never takes half of one for the end of the log. <c>crc32c</c> is over all of it, over the stream's name and the revision.
/// </remarks>
static class StoredForm
{
    const int CrcLength = 8;

    static ReadOnlySpan<byte> BeforeId => "{\"id\":\""u8;
    static ReadOnlySpan<byte> BeforeLeft => "\",\"left\":"u8;
    static ReadOnlySpan<byte> BeforeCrc => ",\"crc32c\":\""u8;
    static ReadOnlySpan<byte> BeforeHeader => "\",\"header\":"u8;
    static ReadOnlySpan<byte> WithoutHeader => "\"}"u8;

    public static BatchAppendReq.Types.ProposedMessage Write(StreamName stream, long revision, int left, in LogEvent added)
    {
        var message = new BatchAppendReq.Types.ProposedMessage
        {
            Id = IdOf(Guid.NewGuid()),
            CustomMetadata = UnsafeByteOperations.UnsafeWrap(Metadata(stream, revision, left, added)),
            // The memory is the caller's until the append is answered, and is only read.
            Data = UnsafeByteOperations.UnsafeWrap(added.Content),
        };
        message.Metadata.Add("type", added.Type);
        message.Metadata.Add("content-type", IsJson(added.Content.Span) ? "application/json" : "application/octet-stream");
        return message;
    }

    /// <summary>The record, and how many events of the same append stand behind it.</summary>
    /// <exception cref="LogDamaged">It is not what was written.</exception>
    public static (LogRecord Record, int Left) Read(StreamName stream, ReadResp.Types.ReadEvent.Types.RecordedEvent stored, LogPosition position)
    {
        var (metadata, content) = (stored.CustomMetadata.Memory, stored.Data.Memory);
        var revision = (long)stored.StreamRevision;
        if (!stored.Metadata.TryGetValue("type", out var type)) throw new LogDamaged(position, "it has no type.");
        if (!TryParse(metadata.Span, out var id, out var left, out var crc, out var header))
            throw new LogDamaged(position, $"revision {revision} of stream {stream} was not written by this log.");
        var record = new LogRecord(stream, revision, position, id, type, metadata[header], content);
        return crc == Crc(stream, revision, left, id, type, record.Header.Span, content.Span)
            ? (record, left)
            : throw new LogDamaged(position, "its bytes do not match their checksum.");
    }

    public static UUID IdOf(Guid id)
    {
        Span<byte> bytes = stackalloc byte[16];
        id.TryWriteBytes(bytes, bigEndian: true, out _);
        return new()
        {
            Structured = new() { MostSignificantBits = BinaryPrimitives.ReadInt64BigEndian(bytes), LeastSignificantBits = BinaryPrimitives.ReadInt64BigEndian(bytes[8..]) },
        };
    }

    /// <summary>In either form: the server answers some errors in another one than it was asked in.</summary>
    public static Guid IdOf(UUID? id)
    {
        if (id?.ValueCase == UUID.ValueOneofCase.Text) return Guid.TryParse(id.Text, out var parsed) ? parsed : default;
        if (id?.Structured is not { } structured) return default;
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteInt64BigEndian(bytes, structured.MostSignificantBits);
        BinaryPrimitives.WriteInt64BigEndian(bytes[8..], structured.LeastSignificantBits);
        return new(bytes, bigEndian: true);
    }

    static byte[] Metadata(StreamName stream, long revision, int left, in LogEvent added)
    {
        var header = added.Header.Span;
        var buffer = new byte[BeforeId.Length + 36 + BeforeLeft.Length + 10 + BeforeCrc.Length + CrcLength + BeforeHeader.Length + header.Length + 1];
        var at = 0;
        Put(BeforeId);
        at += Utf8Formatter.TryFormat(added.Id, buffer.AsSpan(at), out var written) ? written : 0;
        Put(BeforeLeft);
        at += Utf8Formatter.TryFormat(left, buffer.AsSpan(at), out written) ? written : 0;
        Put(BeforeCrc);
        at += Utf8Formatter.TryFormat(Crc(stream, revision, left, added.Id, added.Type, header, added.Content.Span), buffer.AsSpan(at), out written, new StandardFormat('x', CrcLength))
            ? written : 0;
        if (header.IsEmpty) Put(WithoutHeader);
        else
        {
            Put(BeforeHeader);
            Put(header);
            Put("}"u8);
        }
        return buffer.AsSpan(0, at).ToArray();

        void Put(ReadOnlySpan<byte> bytes)
        {
            bytes.CopyTo(buffer.AsSpan(at));
            at += bytes.Length;
        }
    }

    static bool TryParse(ReadOnlySpan<byte> metadata, out Guid id, out int left, out uint crc, out Range header)
    {
        (id, left, crc, header) = (default, 0, 0, default);
        var at = 0;
        if (!Take(metadata, BeforeId) || !Utf8Parser.TryParse(metadata[at..], out id, out var read)) return false;
        at += read;
        if (!Take(metadata, BeforeLeft) || !Utf8Parser.TryParse(metadata[at..], out left, out read) || left < 0) return false;
        at += read;
        if (!Take(metadata, BeforeCrc) || metadata.Length - at < CrcLength || !Utf8Parser.TryParse(metadata.Slice(at, CrcLength), out crc, out read, 'x') || read != CrcLength) return false;
        at += CrcLength;
        if (metadata[at..].SequenceEqual(WithoutHeader))
        {
            header = at..at;
            return true;
        }
        if (!Take(metadata, BeforeHeader) || metadata[^1] != '}' || metadata.Length - at < 2) return false;
        header = at..^1;
        return true;

        bool Take(ReadOnlySpan<byte> all, ReadOnlySpan<byte> what)
        {
            if (!all[at..].StartsWith(what)) return false;
            at += what.Length;
            return true;
        }
    }

    /// <summary>The position is the server's to give; what stands in its place is how much of the append follows.</summary>
    static uint Crc(StreamName stream, long revision, int left, Guid id, string type, ReadOnlySpan<byte> header, ReadOnlySpan<byte> content)
    {
        Span<byte> bytes = stackalloc byte[16];
        id.TryWriteBytes(bytes, bigEndian: true, out _);
        return Checksum.OfEvent(Checksum.OfStream(0, stream.Value), left, revision, bytes, Encoding.UTF8.GetBytes(type), header, content);
    }

    static bool IsJson(ReadOnlySpan<byte> content)
    {
        if (content.IsEmpty || content[0] is not ((byte)'{' or (byte)'[' or (byte)'"')) return false;
        var json = new Utf8JsonReader(content);
        try
        {
            while (json.Read())
            {
            }
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
