using System.Buffers.Binary;
using System.IO.Compression;
using Hindcast.Domain;

namespace Hindcast.Api;

/// <summary>
/// Reads gzip (RFC 1952) and believes only its trailers: the framework's stream takes a truncated body for a whole one, does not miss the
/// trailer and skips what follows it, and half a batch would be acknowledged. So the members are taken apart here, and the framework only
/// inflates. Several members are one body, as the RFC says.
/// </summary>
static class Gzip
{
    const int HeaderLength = 10;
    const int TrailerLength = 8;

    // Each costs an inflater, and an empty one is 20 bytes. Block gzip (64 KiB to a member) needs 256 at our limit.
    const int MostMembers = 1024;

    [Flags]
    enum Extras : byte
    {
        HeaderCrc = 2, Extra = 4, Name = 8, Comment = 16, Reserved = 0xE0,
    }

    /// <exception cref="BadRequestBody">400: not gzip, truncated, changed or with something behind it; 413: too large when decompressed.</exception>
    public static PooledBytes Decompress(ReadOnlyMemory<byte> compressed, int maxBytes, InFlightBudget budget)
    {
        var output = new PooledBytes(budget);
        try
        {
            for (var members = 0; members < MostMembers; members++)
            {
                compressed = compressed[Member(compressed, output, maxBytes)..];
                if (compressed.IsEmpty) return output;
            }
            throw Corrupt();
        }
        catch (InvalidDataException)
        {
            output.Dispose();
            throw Corrupt();
        }
        catch
        {
            output.Dispose();
            throw;
        }
    }

    /// <summary>Decompresses the first member and says how long it is.</summary>
    static int Member(ReadOnlyMemory<byte> compressed, PooledBytes output, int maxBytes)
    {
        var header = Header(compressed.Span);
        if (compressed.Length - header < TrailerLength) throw Corrupt();
        var before = output.Written.Length;
        var data = compressed[header..^TrailerLength];
        var input = new Feed(data, singlesFrom: data.Length - 1);
        using (var inflate = new DeflateStream(input, CompressionMode.Decompress))
        {
            while (inflate.Read(output.Room(maxBytes).Span) is var read and > 0)
                if (!output.TryAdvance(read, maxBytes)) throw RequestBody.TooLarge(maxBytes, compressed: false);
        }
        if (input.RanDry) throw Corrupt();

        var end = header + (input.Consumed == data.Length ? data.Length : EndAfter(data, input.LastStart));
        var content = output.Written.Span[before..];
        var trailer = compressed.Span.Slice(end, TrailerLength);
        var whole = BinaryPrimitives.ReadUInt32LittleEndian(trailer) == Crc32.Of(content)
            && BinaryPrimitives.ReadUInt32LittleEndian(trailer[4..]) == (uint)content.Length;
        return whole ? end + TrailerLength : throw Corrupt();
    }

    /// <summary>Where deflated data ends that is known to end beyond a place: inflated once more, and from there on byte by byte.</summary>
    static int EndAfter(ReadOnlyMemory<byte> data, int start)
    {
        var input = new Feed(data, singlesFrom: start);
        using var inflate = new DeflateStream(input, CompressionMode.Decompress);
        // Not CopyTo: it reads its source to the end, whatever ends before.
        Span<byte> ignored = stackalloc byte[4096];
        while (inflate.Read(ignored) > 0) { }
        return input.Consumed;
    }

    static int Header(ReadOnlySpan<byte> member)
    {
        if (member.Length < HeaderLength || !member.StartsWith((ReadOnlySpan<byte>)[0x1F, 0x8B, 8])) throw Corrupt();
        var extras = (Extras)member[3];
        if ((extras & Extras.Reserved) != 0) throw Corrupt();
        var length = HeaderLength;
        if (extras.HasFlag(Extras.Extra))
        {
            if (member.Length < length + 2) throw Corrupt();
            length += 2 + BinaryPrimitives.ReadUInt16LittleEndian(member[length..]);
        }
        if (extras.HasFlag(Extras.Name)) length = AfterZero(member, length);
        if (extras.HasFlag(Extras.Comment)) length = AfterZero(member, length);
        if (!extras.HasFlag(Extras.HeaderCrc)) return length;
        if (member.Length < length + 2) throw Corrupt();
        return BinaryPrimitives.ReadUInt16LittleEndian(member[length..]) == (ushort)Crc32.Of(member[..length]) ? length + 2 : throw Corrupt();
    }

    static int AfterZero(ReadOnlySpan<byte> member, int start) =>
        start < member.Length && member[start..].IndexOf((byte)0) is var at and >= 0 ? start + at + 1 : throw Corrupt();

    static BadRequestBody Corrupt() => new(StatusCodes.Status400BadRequest, "corrupt_encoding", "The body is no gzip, or not all of it, or was changed.");

    /// <summary>
    /// Hands out compressed bytes in pieces, so that we know where a member's data ended: within the last piece, and exactly where pieces
    /// are single bytes. For a body of one member that is its last byte, and one pass is enough.
    /// </summary>
    sealed class Feed(ReadOnlyMemory<byte> data, int singlesFrom) : Stream
    {
        const int Piece = 1024;

        public int LastStart { get; private set; }
        public int Consumed { get; private set; }
        public bool RanDry { get; private set; }

        public override int Read(Span<byte> buffer)
        {
            if (Consumed == data.Length)
            {
                RanDry = true;
                return 0;
            }
            var count = Consumed >= singlesFrom ? 1 : Math.Min(buffer.Length, Math.Min(singlesFrom - Consumed, Piece));
            data.Span.Slice(Consumed, count).CopyTo(buffer);
            LastStart = Consumed;
            Consumed += count;
            return count;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override long Position { get => Consumed; set => throw new NotSupportedException(); }
        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => data.Length;
        public override void Flush() { }
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
