using System.Buffers.Binary;
using System.Text.Json;
using Hindcast.Domain.Traces;

namespace Hindcast.Application.ReadModels;

/// <summary>
/// The part of a span that its other columns do not show: which fields were told, and by whom. With it a row is the whole state, so that a
/// fact that comes next week is merged without reading the trace's stream.
/// </summary>
/// <remarks>
/// Form: version 1 · number of authors · each author (role, at in µs, event id) in their own order · a bit for each field that was told ·
/// and, when there is more than one author, the author's number for each told field and for each attribute in the order of their keys.
/// </remarks>
public static class SpanMerge
{
    static readonly SpanField[] Fields = Enum.GetValues<SpanField>();

    public static byte[] Write(Span span) => WriteOne(span) ?? WriteMany(span);

    /// <summary>The common case, without lists: one fact told all there is. Null when there were more.</summary>
    static byte[]? WriteOne(Span span)
    {
        Author? only = null;
        var mask = 0u;
        foreach (var field in Fields)
        {
            if (span.Told(field) is not { By: var by }) continue;
            if (only is not null && only != by) return null;
            (only, mask) = (by, mask | (1u << (int)field));
        }
        foreach (var (_, value) in span.Attributes)
            if (only is not null && only != value.By) return null;
        if (only is null) return null;

        var bytes = new byte[31];
        (bytes[0], bytes[1], bytes[2]) = (1, 1, (byte)only.Role);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(3), only.At.Micros());
        only.EventId.TryWriteBytes(bytes.AsSpan(11), bigEndian: true, out _);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(27), mask);
        return bytes;
    }

    static byte[] WriteMany(Span span)
    {
        var told = Fields.Where(f => span.Told(f) is not null).ToList();
        var authors = told.Select(f => span.Told(f)!.Value.By).Concat(span.Attributes.Values.Select(a => a.By)).Distinct().Order().ToList();

        using var bytes = new MemoryStream(32 + (authors.Count * 25));
        using var writer = new BinaryWriter(bytes);
        writer.Write((byte)1);
        writer.Write7BitEncodedInt(authors.Count);
        foreach (var author in authors)
        {
            writer.Write((byte)author.Role);
            writer.Write(author.At.Micros());
            writer.Write(author.EventId.ToByteArray(bigEndian: true));
        }
        writer.Write(told.Aggregate(0u, (mask, field) => mask | (1u << (int)field)));
        if (authors.Count > 1)
        {
            foreach (var field in told) writer.Write7BitEncodedInt(authors.BinarySearch(span.Told(field)!.Value.By));
            foreach (var (_, value) in span.Attributes) writer.Write7BitEncodedInt(authors.BinarySearch(value.By));
        }
        return bytes.ToArray();
    }

    public static Span Read(SpanRow row)
    {
        using var reader = new BinaryReader(new MemoryStream(row.Merge));
        if (reader.ReadByte() != 1) throw new InvalidDataException("A span's merge state is of an unknown form.");
        var authors = new Author[reader.Read7BitEncodedInt()];
        for (var i = 0; i < authors.Length; i++)
            authors[i] = new((FactRole)reader.ReadByte(), Time.At(reader.ReadInt64()), new Guid(reader.ReadBytes(16), bigEndian: true));
        var mask = reader.ReadUInt32();
        var next = () => authors.Length > 1 ? authors[reader.Read7BitEncodedInt()] : authors[0];

        var told = Fields.Where(f => (mask & (1u << (int)f)) != 0).Select(f => (f, ValueOf(row, f), next())).ToList();
        return Span.Restore(row.SpanId, told, AttributesOf(row).Select(a => KeyValuePair.Create(a.Key, new Told<string>(a.Value, next()))).ToList());
    }

    static object? ValueOf(SpanRow row, SpanField field) => field switch
    {
        SpanField.Name => row.Name,
        SpanField.Kind => row.Kind,
        SpanField.ParentSpanId => row.ParentSpanId,
        SpanField.Step => row.Step,
        SpanField.ParentStep => row.ParentStep,
        SpanField.StartedAt => Time.At(row.StartedAt),
        SpanField.EndedAt => Time.At(row.EndedAt!.Value),
        SpanField.TimeToFirstToken => Time.Span(row.TimeToFirstToken!.Value),
        SpanField.Status => (SpanStatus)row.Status,
        SpanField.Error => row.Error,
        SpanField.Provider => row.Provider,
        SpanField.Model => row.Model,
        SpanField.Usage => row.Usage(),
        SpanField.UserId => row.UserId,
        SpanField.SessionId => row.SessionId,
        SpanField.Environment => row.Environment,
        SpanField.Agent => row.Agent,
        SpanField.Sanitised => true,
        SpanField.Input or SpanField.Output or SpanField.ErrorDetail => null,
        _ => throw new ArgumentOutOfRangeException(nameof(field)),
    };

    static SortedDictionary<string, string> AttributesOf(SpanRow row)
    {
        var attributes = new SortedDictionary<string, string>(StringComparer.Ordinal);
        if (row.Attributes is null) return attributes;
        using var json = JsonDocument.Parse(row.Attributes, new JsonDocumentOptions { MaxDepth = 1024 });
        foreach (var attribute in json.RootElement.EnumerateObject()) attributes[attribute.Name] = attribute.Value.GetRawText();
        return attributes;
    }
}
