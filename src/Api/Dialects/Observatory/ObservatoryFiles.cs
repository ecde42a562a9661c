using System.Text;
using System.Text.Json;
using AutoMapper;
using Hindcast.Api.Native;
using Hindcast.Application.Exports;

namespace Hindcast.Api.Dialects.Observatory;

/// <summary>Spans as files: the 25 members of the contract, or those that are chosen, as CSV, a JSON array or JSON Lines.</summary>
internal static class ObservatoryFiles
{
    static readonly JsonWriterOptions s_writing = new() { Encoder = Envelope.Json.Encoder, SkipValidation = true, MaxDepth = 1_000 };

    /// <summary>What spreadsheets take for the beginning of a formula, and what stands before one that was made harmless.</summary>
    const string Beginnings = "=+-@'\t\r\n＝＋－＠";

    /// <param name="raw">Cells as they are, for programs; a spreadsheet would compute what is in them.</param>
    public static ExportForm Form(string format, IMapper mapper, IReadOnlySet<string>? fields, bool raw)
    {
        if (format == "csv")
        {
            var names = ObservatoryTrace.Names.Where(n => fields?.Contains(n) != false).ToList();
            return new(Encoding.UTF8.GetBytes(string.Join(',', names) + "\r\n"), [], [], (row, to) => to.Write(Encoding.UTF8.GetBytes(Line(mapper.Map<ObservatoryTrace>(row), names, raw))));
        }
        return format == "json"
            ? new("["u8.ToArray(), ",\n"u8.ToArray(), "]\n"u8.ToArray(), (row, to) => Json(mapper.Map<ObservatoryTrace>(row), fields, to))
            : new([], [], [], (row, to) =>
            {
                Json(mapper.Map<ObservatoryTrace>(row), fields, to);
                to.WriteByte((byte)'\n');
            });
    }

    static void Json(ObservatoryTrace trace, IReadOnlySet<string>? fields, Stream to)
    {
        using var json = new Utf8JsonWriter(to, s_writing);
        ObservatoryDoors.WriteTrace(json, trace, fields);
    }

    static string Line(ObservatoryTrace trace, List<string> names, bool raw)
    {
        var members = JsonSerializer.SerializeToElement(trace, Envelope.Json);
        return string.Join(',', names.Select(name => members.TryGetProperty(name, out var value) ? Cell(value, raw) : "")) + "\r\n";
    }

    static string Cell(JsonElement value, bool raw) => value.ValueKind switch
    {
        JsonValueKind.String => Quoted(value.GetString()!, raw),
        JsonValueKind.Number => value.GetRawText(),
        _ => Quoted(value.GetRawText(), raw),
    };

    /// <summary>A text that a spreadsheet would compute gets a <c>'</c> before it, and so does one that begins with one: who takes one away has the text.</summary>
    internal static string Quoted(string text, bool raw)
    {
        var first = text.AsSpan().TrimStart(' ');
        var harmless = raw || first.IsEmpty || !Beginnings.Contains(first[0], StringComparison.Ordinal);
        return $"\"{(harmless ? "" : "'")}{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
    }
}
