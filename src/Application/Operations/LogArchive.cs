using System.Buffers;
using System.Buffers.Text;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Hindcast.Application.EventSourcing;

namespace Hindcast.Application.Operations;

/// <summary>
/// A log outside of any engine: JSON Lines, every stored event once, in the log's order. What does not belong to the facts (the log's id, positions,
/// the day of the export) is not in it, so equal logs give equal bytes.
/// </summary>
/// <remarks>
/// First line <c>{"hindcast_log":1}</c>; then <c>{"stream","revision","id","type","header","content"}</c>, the header as it is stored (one JSON
/// object; base64 in <c>header_bytes</c> where it is none) and the content in base64; last <c>{"events":n,"sha256":"…"}</c> over all bytes
/// before it, so that an archive that broke off is told from a whole one. Parts of big facts are events like others: an archive is the log as
/// it is stored, and goes into any engine.
/// </remarks>
public static class LogArchive
{
    static readonly byte[] s_first = "{\"hindcast_log\":1}\n"u8.ToArray();

    /// <summary>Writes all events up to the head as it is now; answers how many.</summary>
    public static async Task<long> WriteAsync(IEventLog log, Stream archive, IProgress<(long Done, long All)> progress, CancellationToken ct)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var (done, head, all) = (0L, await log.HeadAsync(ct), await log.CountAsync(LogPosition.Start, ct));
        await PutAsync(s_first);
        if (head > LogPosition.Start)
        {
            await foreach (var page in log.FollowAsync(LogPosition.Start, ct))
            {
                foreach (var record in page.Records)
                {
                    if (record.Position > head) break;
                    await PutAsync(Line(record));
                    done++;
                }
                progress.Report((done, all));
                if (page.AtHead || page.Last >= head) break;
            }
        }
        await archive.WriteAsync(Encoding.ASCII.GetBytes($"{{\"events\":{done},\"sha256\":\"{Convert.ToHexStringLower(sha.GetHashAndReset())}\"}}\n"), ct);
        return done;

        async Task PutAsync(ReadOnlyMemory<byte> line)
        {
            sha.AppendData(line.Span);
            await archive.WriteAsync(line, ct);
        }
    }

    /// <summary>The events of an archive in order.</summary>
    /// <exception cref="BadArchive">It is none, or it is damaged or broke off; the line is named. What came before the fault was given out already.</exception>
    public static async IAsyncEnumerable<ArchivedEvent> ReadAsync(
        Stream archive, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken ct)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var lines = System.IO.Pipelines.PipeReader.Create(archive, new(bufferSize: 1 << 16));
        var (number, ended) = (0L, false);
        while (await NextAsync(lines, ct) is { } line)
        {
            number++;
            if (ended) throw new BadArchive(number, "something stands after the end");
            if (number == 1)
            {
                if (!line.AsSpan().SequenceEqual(s_first)) throw new BadArchive(number, "this is no archive of a log, or one of a newer form");
            }
            else if (line.AsSpan().StartsWith("{\"events\":"u8))
            {
                var end = Parse(line, number, json => (json.GetProperty("events").GetInt64(), json.GetProperty("sha256").GetString()));
                if (end != (number - 2, Convert.ToHexStringLower(sha.GetHashAndReset()))) throw new BadArchive(number, "the checksum does not fit");
                ended = true;
                continue;
            }
            else yield return Parse(line, number, EventOf);
            sha.AppendData(line);
        }
        if (!ended) throw new BadArchive(number, "it ends before its end");
    }

    static byte[] Line(LogRecord record)
    {
        var buffer = new ArrayBufferWriter<byte>(256 + record.Header.Length + Base64.GetMaxEncodedToUtf8Length(record.Content.Length));
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { SkipValidation = true }))
        {
            json.WriteStartObject();
            json.WriteString("stream"u8, record.Stream.Value);
            json.WriteNumber("revision"u8, record.Revision);
            json.WriteString("id"u8, record.Id);
            json.WriteString("type"u8, record.Type);
            if (IsOneLine(record.Header.Span))
            {
                json.WritePropertyName("header"u8);
                json.WriteRawValue(record.Header.Span, skipInputValidation: true);
            }
            else json.WriteBase64String("header_bytes"u8, record.Header.Span);
            json.WriteBase64String("content"u8, record.Content.Span);
            json.WriteEndObject();
        }
        buffer.Write("\n"u8);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>A header that can stand in a line as it is, and be cut out of it again byte for byte.</summary>
    static bool IsOneLine(ReadOnlySpan<byte> header)
    {
        if (header is not [(byte)'{', .., (byte)'}'] || header.IndexOfAny("\r\n"u8) >= 0) return false;
        try
        {
            var json = new Utf8JsonReader(header);
            json.Skip();
            while (json.Read()) continue;
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    static ArchivedEvent EventOf(JsonElement json) => new(
        new(json.GetProperty("stream").GetString()!), json.GetProperty("revision").GetInt64(),
        new(json.GetProperty("id").GetGuid(), json.GetProperty("type").GetString()!,
            json.TryGetProperty("header", out var header) ? JsonMarshal.GetRawUtf8Value(header).ToArray() : json.GetProperty("header_bytes").GetBytesFromBase64(),
            json.GetProperty("content").GetBytesFromBase64()));

    static T Parse<T>(byte[] line, long number, Func<JsonElement, T> read)
    {
        try
        {
            using var json = JsonDocument.Parse(line, new JsonDocumentOptions { MaxDepth = 256 });
            return read(json.RootElement);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new BadArchive(number, "it cannot be read");
        }
    }

    /// <summary>The next line with its end; null after the last.</summary>
    static async Task<byte[]?> NextAsync(System.IO.Pipelines.PipeReader lines, CancellationToken ct)
    {
        while (true)
        {
            var read = await lines.ReadAsync(ct);
            var buffer = read.Buffer;
            if (buffer.PositionOf((byte)'\n') is { } end)
            {
                var line = buffer.Slice(0, buffer.GetPosition(1, end)).ToArray();
                lines.AdvanceTo(buffer.GetPosition(1, end));
                return line;
            }
            if (read.IsCompleted)
            {
                var rest = buffer.ToArray();
                lines.AdvanceTo(buffer.End);
                return rest.Length == 0 ? null : rest;
            }
            lines.AdvanceTo(buffer.Start, buffer.End);
        }
    }
}

public sealed record ArchivedEvent(StreamName Stream, long Revision, LogEvent Event);

public sealed class BadArchive(long line, string why) : Exception($"Line {line}: {why}.");
