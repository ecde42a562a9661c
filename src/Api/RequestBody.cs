using System.Buffers;
using System.IO.Compression;
using Hindcast.Application;

namespace Hindcast.Api;

/// <summary>A body that cannot be taken; the status says whose fault it is.</summary>
public sealed class BodyRefused(int status, string code, string message) : Exception(message)
{
    public int Status => status;
    public string Code => code;
}

/// <summary>How many bytes of bodies the process holds at once; beyond that it says «later» instead of growing.</summary>
public sealed class InFlightBudget
{
    public const long Most = 64L << 20;

    long _held;

    public void Take(long bytes)
    {
        if (Interlocked.Add(ref _held, bytes) <= Most) return;
        Interlocked.Add(ref _held, -bytes);
        throw new Unavailable("Too much is being taken in at once.", TimeSpan.FromSeconds(1));
    }

    public void Return(long bytes) => Interlocked.Add(ref _held, -bytes);
}

/// <summary>A whole request body in memory, within its limits; returned to its pool when the request is over.</summary>
internal static class RequestBody
{
    public const int MostIngested = 16 << 20;
    const int MostCompressed = 8 << 20;

    /// <exception cref="BodyRefused">413 too large (also after decompression), 415 unknown coding, 400 damaged.</exception>
    public static async Task<ReadOnlyMemory<byte>> ReadAsync(HttpContext http, int most, CancellationToken ct)
    {
        var coding = http.Request.Headers.ContentEncoding.ToString();
        var compressed = coding.Equals("gzip", StringComparison.OrdinalIgnoreCase);
        if (!compressed && coding is not "" && !coding.Equals("identity", StringComparison.OrdinalIgnoreCase))
            throw new BodyRefused(415, "UNSUPPORTED_CONTENT_ENCODING", "Content-Encoding must be gzip or absent.");

        var limit = compressed ? Math.Min(most, MostCompressed) : most;
        if (http.Request.ContentLength > limit) throw TooLarge(limit);
        var body = await ReadAsync(http, http.Request.Body, (int)(http.Request.ContentLength ?? 4096), limit, ct);
        return compressed ? await InflateAsync(http, body, most, ct) : body;
    }

    static async Task<ReadOnlyMemory<byte>> ReadAsync(HttpContext http, Stream from, int expected, int limit, CancellationToken ct)
    {
        var buffer = Rent(http, Math.Max(expected, 256) + 1);
        var length = 0;
        try
        {
            while (true)
            {
                var read = await from.ReadAsync(buffer.AsMemory(length), ct);
                if (read == 0) return buffer.AsMemory(0, length);
                length += read;
                if (length > limit) throw TooLarge(limit);
                if (length < buffer.Length) continue;
                var larger = Rent(http, Math.Min(buffer.Length * 2, limit + 1));
                buffer.AsSpan(0, length).CopyTo(larger);
                buffer = larger;
            }
        }
        catch (InvalidDataException)
        {
            throw new BodyRefused(400, "CORRUPT_ENCODING", "The compressed body is damaged.");
        }
    }

    /// <summary>One gzip member with nothing behind it. GZipStream takes a truncated one for whole, so its trailer is checked here.</summary>
    static async Task<ReadOnlyMemory<byte>> InflateAsync(HttpContext http, ReadOnlyMemory<byte> body, int most, CancellationToken ct)
    {
        var bytes = System.Runtime.InteropServices.MemoryMarshal.TryGetArray(body, out var segment) ? segment : new(body.ToArray());
        using var source = new MemoryStream(bytes.Array!, bytes.Offset, bytes.Count);
        await using var inflating = new GZipStream(source, CompressionMode.Decompress);
        var inflated = await ReadAsync(http, inflating, Math.Min(body.Length * 4, most), most, ct);
        if (body.Length < 18
            || System.Buffers.Binary.BinaryPrimitives.ReadUInt32LittleEndian(body.Span[^4..]) != (uint)inflated.Length
            || System.Buffers.Binary.BinaryPrimitives.ReadUInt32LittleEndian(body.Span[^8..]) != Crc32.Of(inflated.Span))
            throw new BodyRefused(400, "CORRUPT_ENCODING", "The compressed body is damaged or incomplete.");
        return inflated;
    }

    static byte[] Rent(HttpContext http, int size)
    {
        var budget = http.RequestServices.GetRequiredService<InFlightBudget>();
        budget.Take(size);
        var buffer = ArrayPool<byte>.Shared.Rent(size);
        http.Response.OnCompleted(() =>
        {
            ArrayPool<byte>.Shared.Return(buffer);
            budget.Return(size);
            return Task.CompletedTask;
        });
        return buffer;
    }

    static BodyRefused TooLarge(int limit) => new(413, "PAYLOAD_TOO_LARGE", $"The body is larger than {limit} bytes.");
}

/// <summary>CRC-32 of gzip and of API keys.</summary>
static class Crc32
{
    static readonly uint[] s_table = [.. Enumerable.Range(0, 256).Select(i => Enumerable.Range(0, 8).Aggregate((uint)i, (c, _) => (c & 1) != 0 ? (c >> 1) ^ 0xEDB88320 : c >> 1))];

    public static uint Of(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var b in bytes) crc = s_table[(byte)(crc ^ b)] ^ (crc >> 8);
        return ~crc;
    }
}
