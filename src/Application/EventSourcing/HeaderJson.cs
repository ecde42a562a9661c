using System.Buffers;
using System.Buffers.Text;
using System.Text.Json;
using Hindcast.Domain.Traces;

namespace Hindcast.Application.EventSourcing;

/// <summary>
/// The header's form in the log: one JSON object, nulls left out, times in whole microseconds. A reader skips members it does not know,
/// so an older release reads what a newer one wrote.
/// </summary>
public static class HeaderJson
{
    static readonly Source Nobody = new("", 0, null);

    [ThreadStatic] static ArrayBufferWriter<byte>? t_buffer;
    [ThreadStatic] static Utf8JsonWriter? t_writer;

    public static byte[] Write(Header header)
    {
        var buffer = t_buffer ??= new(1024);
        buffer.ResetWrittenCount();
        var json = t_writer ??= new(buffer, new JsonWriterOptions { SkipValidation = true });
        json.Reset(buffer);

        json.WriteStartObject();
        json.WriteNumber("v"u8, header.Version);
        json.WriteString("type"u8, header.Type);
        json.WriteString("org"u8, header.Org);
        json.WriteString("project"u8, header.Project);
        Text(json, "environment"u8, header.Environment);
        json.WriteString("event_id"u8, header.EventId);
        Time(json, "at"u8, header.At);
        if (header.AtMoved) json.WriteBoolean("at_moved"u8, true);
        Time(json, "recorded_at"u8, header.RecordedAt);
        json.WriteStartObject("source"u8);
        json.WriteString("dialect"u8, header.Source.Dialect);
        json.WriteNumber("mapper"u8, header.Source.Mapper);
        Text(json, "key"u8, header.Source.KeyId);
        json.WriteEndObject();
        Text(json, "trace"u8, header.TraceId);
        Text(json, "span"u8, header.SpanId);
        Text(json, "parent"u8, header.ParentSpanId);
        Text(json, "kind"u8, header.Kind);
        Number(json, "step"u8, header.Step);
        Number(json, "parent_step"u8, header.ParentStep);
        if (header.ParentStepGiven) json.WriteBoolean("parent_step_given"u8, true);
        Text(json, "provider"u8, header.Provider);
        Text(json, "model"u8, header.Model);
        if (header.Usage is { } usage) WriteUsage(json, usage);
        Text(json, "subject"u8, header.Subject);
        if (header.Marks is { } marks) WriteMarks(json, marks);
        json.WriteStartObject("running"u8);
        json.WriteNumber("events"u8, header.Running.Events);
        json.WriteNumber("max_step"u8, header.Running.MaxStep);
        json.WriteNumber("bytes"u8, header.Running.Bytes);
        Text(json, "agent"u8, header.Running.Agent);
        if (header.Running.Closed) json.WriteBoolean("closed"u8, true);
        json.WriteEndObject();
        Text(json, "sealed_by"u8, header.SealedBy);
        Number(json, "payload_bytes"u8, header.PayloadBytes);
        if (!header.Previous.IsEmpty) json.WriteBase64String("previous"u8, header.Previous.Span);
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    /// <exception cref="JsonException">The bytes are no header, or one of a newer form.</exception>
    public static Header Read(ReadOnlySpan<byte> utf8)
    {
        var json = new Utf8JsonReader(utf8);
        json.Read();
        var (version, type, org, project, environment) = (0, "", "default", "", (string?)null);
        var (eventId, at, moved, recorded, source) = (Guid.Empty, default(DateTimeOffset), false, default(DateTimeOffset), Nobody);
        string? trace = null, span = null, parent = null, kind = null, provider = null, model = null, subject = null, sealedBy = null;
        List<Mark>? marks = null;
        int? step = null, parentStep = null, payloadBytes = null;
        var given = false;
        Usage? usage = null;
        var running = Running.Nothing;
        byte[] previous = [];

        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var name = json.ValueSpan;
            if (name.SequenceEqual("v"u8)) version = Int(ref json);
            else if (name.SequenceEqual("type"u8)) type = Known(ref json);
            else if (name.SequenceEqual("org"u8)) org = Known(ref json);
            else if (name.SequenceEqual("project"u8)) project = Known(ref json);
            else if (name.SequenceEqual("environment"u8)) environment = Known(ref json);
            else if (name.SequenceEqual("event_id"u8)) { json.Read(); eventId = json.GetGuid(); }
            else if (name.SequenceEqual("at"u8)) at = ReadTime(ref json);
            else if (name.SequenceEqual("at_moved"u8)) moved = Bool(ref json);
            else if (name.SequenceEqual("recorded_at"u8)) recorded = ReadTime(ref json);
            else if (name.SequenceEqual("source"u8)) source = ReadSource(ref json);
            else if (name.SequenceEqual("trace"u8)) trace = Str(ref json);
            else if (name.SequenceEqual("span"u8)) span = Str(ref json);
            else if (name.SequenceEqual("parent"u8)) parent = Str(ref json);
            else if (name.SequenceEqual("kind"u8)) kind = Known(ref json);
            else if (name.SequenceEqual("step"u8)) step = Int(ref json);
            else if (name.SequenceEqual("parent_step"u8)) parentStep = Int(ref json);
            else if (name.SequenceEqual("parent_step_given"u8)) given = Bool(ref json);
            else if (name.SequenceEqual("provider"u8)) provider = Known(ref json);
            else if (name.SequenceEqual("model"u8)) model = Known(ref json);
            else if (name.SequenceEqual("usage"u8)) usage = ReadUsage(ref json);
            else if (name.SequenceEqual("subject"u8)) subject = Str(ref json);
            else if (name.SequenceEqual("replaced"u8)) ReadMarks(ref json, replaced: true, marks ??= []);
            else if (name.SequenceEqual("flagged"u8)) ReadMarks(ref json, replaced: false, marks ??= []);
            else if (name.SequenceEqual("running"u8)) running = ReadRunning(ref json);
            else if (name.SequenceEqual("sealed_by"u8)) sealedBy = Str(ref json);
            else if (name.SequenceEqual("payload_bytes"u8)) payloadBytes = Int(ref json);
            else if (name.SequenceEqual("previous"u8)) { json.Read(); previous = json.GetBytesFromBase64(); }
            else { json.Read(); json.Skip(); }
        }
        if (version is < 1 or > Header.CurrentVersion) throw new JsonException($"A header of version {version}; this release reads up to {Header.CurrentVersion}.");

        return new()
        {
            Version = version, Type = type, Org = org, Project = project, Environment = environment, EventId = eventId, At = at, AtMoved = moved,
            RecordedAt = recorded, Source = source, TraceId = trace, SpanId = span, ParentSpanId = parent, Kind = kind, Step = step,
            ParentStep = parentStep, ParentStepGiven = given, Provider = provider, Model = model, Usage = usage, Subject = subject, Marks = marks,
            Running = running, SealedBy = sealedBy, PayloadBytes = payloadBytes, Previous = previous,
        };
    }

    static void Text(Utf8JsonWriter json, ReadOnlySpan<byte> name, string? value)
    {
        if (value is not null) json.WriteString(name, value);
    }

    static void Number(Utf8JsonWriter json, ReadOnlySpan<byte> name, long? value)
    {
        if (value is { } number) json.WriteNumber(name, number);
    }

    static void Time(Utf8JsonWriter json, ReadOnlySpan<byte> name, DateTimeOffset time)
    {
        // 2026-11-21T00:22:34.322135Z: round-trip form is one digit longer, and custom formats cost a microsecond each.
        Span<byte> text = stackalloc byte[33];
        Utf8Formatter.TryFormat(time.UtcDateTime, text, out _, 'O');
        text[26] = (byte)'Z';
        json.WriteString(name, text[..27]);
    }

    static void WriteUsage(Utf8JsonWriter json, Usage usage)
    {
        json.WriteStartObject("usage"u8);
        Number(json, "input"u8, usage.Input);
        Number(json, "cache_read"u8, usage.CacheRead);
        Number(json, "cache_write_5m"u8, usage.CacheWrite5m);
        Number(json, "cache_write_1h"u8, usage.CacheWrite1h);
        Number(json, "output"u8, usage.Output);
        Number(json, "reasoning"u8, usage.Reasoning);
        Number(json, "unsplit"u8, usage.Unsplit);
        json.WriteEndObject();
    }

    static Usage ReadUsage(ref Utf8JsonReader json)
    {
        long? input = null, cacheRead = null, cacheWrite5m = null, cacheWrite1h = null, output = null, reasoning = null, unsplit = null;
        json.Read();
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var name = json.ValueSpan;
            if (name.SequenceEqual("input"u8)) input = Long(ref json);
            else if (name.SequenceEqual("cache_read"u8)) cacheRead = Long(ref json);
            else if (name.SequenceEqual("cache_write_5m"u8)) cacheWrite5m = Long(ref json);
            else if (name.SequenceEqual("cache_write_1h"u8)) cacheWrite1h = Long(ref json);
            else if (name.SequenceEqual("output"u8)) output = Long(ref json);
            else if (name.SequenceEqual("reasoning"u8)) reasoning = Long(ref json);
            else if (name.SequenceEqual("unsplit"u8)) unsplit = Long(ref json);
            else { json.Read(); json.Skip(); }
        }
        return new()
        {
            Input = input, CacheRead = cacheRead, CacheWrite5m = cacheWrite5m, CacheWrite1h = cacheWrite1h, Output = output, Reasoning = reasoning, Unsplit = unsplit,
        };
    }

    /// <summary>Counts by rule: <c>replaced</c> what is not there any more, <c>flagged</c> what still is.</summary>
    public static void WriteMarks(Utf8JsonWriter json, IReadOnlyList<Mark> marks)
    {
        foreach (var kind in marks.GroupBy(m => m.Replaced))
        {
            json.WriteStartObject(kind.Key ? "replaced"u8 : "flagged"u8);
            foreach (var mark in kind) json.WriteNumber(mark.Rule, mark.Count);
            json.WriteEndObject();
        }
    }

    static void ReadMarks(ref Utf8JsonReader json, bool replaced, List<Mark> marks)
    {
        json.Read();
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName) marks.Add(new(json.GetString()!, replaced, Int(ref json)));
    }

    static Source ReadSource(ref Utf8JsonReader json)
    {
        var (dialect, mapper, key) = ("", 0, (string?)null);
        json.Read();
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            if (json.ValueTextEquals("dialect"u8)) dialect = Known(ref json);
            else if (json.ValueTextEquals("mapper"u8)) mapper = Int(ref json);
            else if (json.ValueTextEquals("key"u8)) key = Known(ref json);
            else { json.Read(); json.Skip(); }
        }
        return new(dialect, mapper, key);
    }

    static Running ReadRunning(ref Utf8JsonReader json)
    {
        var (events, maxStep, bytes, agent, closed) = (0, 0, 0L, (string?)null, false);
        json.Read();
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            if (json.ValueTextEquals("events"u8)) events = Int(ref json);
            else if (json.ValueTextEquals("max_step"u8)) maxStep = Int(ref json);
            else if (json.ValueTextEquals("bytes"u8)) bytes = Long(ref json);
            else if (json.ValueTextEquals("agent"u8)) agent = Known(ref json);
            else if (json.ValueTextEquals("closed"u8)) closed = Bool(ref json);
            else { json.Read(); json.Skip(); }
        }
        return new(events, maxStep, bytes, agent) { Closed = closed };
    }

    static string Str(ref Utf8JsonReader json)
    {
        json.Read();
        return json.GetString() ?? "";
    }

    static string Known(ref Utf8JsonReader json)
    {
        json.Read();
        return json.ValueIsEscaped || json.TokenType != JsonTokenType.String ? json.GetString() ?? "" : KnownTexts.Of(json.ValueSpan);
    }

    static int Int(ref Utf8JsonReader json)
    {
        json.Read();
        return json.GetInt32();
    }

    static long Long(ref Utf8JsonReader json)
    {
        json.Read();
        return json.GetInt64();
    }

    static bool Bool(ref Utf8JsonReader json)
    {
        json.Read();
        return json.GetBoolean();
    }

    static DateTimeOffset ReadTime(ref Utf8JsonReader json)
    {
        json.Read();
        return json.GetDateTimeOffset();
    }
}
