using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Payloads;
using Hindcast.Application.Projects;
using Hindcast.Application.Traces;

namespace Hindcast.Api.Dialects.OpenTelemetry;

/// <summary>
/// From the items of an export to the events they become: a span is one, and one more for each evaluation among its events; a log record of the
/// GenAI conventions is one. Metrics and other records are counted and dropped.
/// </summary>
internal sealed class OtlpIntake(Caller caller)
{
    const int MostFaultsTold = 10;

    static readonly OtlpPayload s_reader = new();

    readonly byte[] _project = Encoding.UTF8.GetBytes(caller.Project);
    readonly List<NewEvent> _events = [];
    readonly List<int> _items = [];
    readonly HashSet<int> _refused = [];
    readonly List<string> _faults = [];
    int _taken;

    public IReadOnlyList<NewEvent> Events => _events;

    /// <summary>Items that are nothing we keep.</summary>
    public int Dropped { get; private set; }

    /// <summary>Items that are what we keep, and cannot be.</summary>
    public int Refused => _refused.Count;

    public string Faults => string.Join("; ", _faults);

    public void Take(OtlpSignal signal, in OtlpItem item)
    {
        try
        {
            if (signal == OtlpSignal.Metrics) Dropped++;
            else if (item.Above.Fault is { } fault) throw new FormatException(fault);
            else if (item.Raw.Length > IngestedJson.MostBytes) throw new FormatException($"it is larger than {IngestedJson.MostBytes} bytes");
            else if (item.Json is not null && PayloadRules.Check(item.Raw.Span) is { } broken) throw new FormatException(broken.Message);
            else if (signal == OtlpSignal.Logs) TakeLog(item);
            else TakeSpan(item);
        }
        catch (FormatException fault)
        {
            Refuse(_taken, fault.Message);
        }
        _taken++;
    }

    /// <summary>What the log itself said no to.</summary>
    public void Take(IReadOnlyList<Outcome> outcomes)
    {
        for (var i = 0; i < outcomes.Count; i++)
            if (outcomes[i].Refused is { } rule) Refuse(_items[i], rule.Message);
    }

    void Refuse(int item, string why)
    {
        if (_refused.Add(item) && _faults.Count < MostFaultsTold) _faults.Add(why);
    }

    void TakeSpan(in OtlpItem item)
    {
        var span = item.Json is { } json ? OtlpSpan.Of(json) : OtlpSpan.Of(item.Raw);
        var content = Keep(item, "json"u8, "protobuf"u8);
        Add(new()
        {
            Type = span.Runs ? "span_started" : "span_ended",
            TraceId = span.TraceId,
            SpanId = span.SpanId,
            ParentSpanId = span.ParentSpanId,
            EventId = IdOf(span.TraceId, span.SpanId, item.Raw, []),
            At = TimeOf(span.Runs ? span.Start : span.End),
            Reading = OtlpPayload.Read(span, item.Above.Resource, texts: false),
            Reader = s_reader,
            Content = new(content, default),
        });
        for (var i = 0; i < span.Events.Count; i++)
        {
            if (span.Events[i] is not { Name: OtlpScores.Event } score) continue;
            Add(new()
            {
                Type = "score",
                TraceId = span.TraceId,
                SpanId = span.SpanId,
                // Of what it says, for the span may come again in another version with the same evaluation in it.
                EventId = IdOf(span.TraceId, span.SpanId, Encoding.UTF8.GetBytes(OtlpValue.Written(json => score.Write(json, timed: true))), "score"u8),
                At = TimeOf(score.Time),
                Reading = OtlpScores.Read(score.Attributes) with { Environment = item.Above.Resource.Environment },
                Reader = s_reader,
                Content = new((byte[])[.. content.AsSpan(0, content.Length - 1), .. ",\"event\":"u8, .. Encoding.UTF8.GetBytes($"{i}}}")], default),
            });
        }
    }

    void TakeLog(in OtlpItem item)
    {
        var log = item.Json is { } json ? OtlpLog.Of(json) : OtlpLog.Of(item.Raw);
        if (!log.IsGenAi || log.TraceId.Length == 0)
        {
            Dropped++;
            return;
        }
        if (!OtlpSpan.IsTraceId(log.TraceId)) throw new FormatException("its trace id is not 16 bytes, or all zero");
        var type = OtlpNotes.TypeOf(log);
        Add(new()
        {
            Type = type,
            TraceId = log.TraceId,
            SpanId = log.SpanId,
            EventId = IdOf(log.TraceId, log.SpanId ?? "", item.Raw, "log"u8),
            At = TimeOf(log.Time),
            Reading = OtlpPayload.Read(type, log, item.Above.Resource, texts: false),
            Reader = s_reader,
            Content = new(Keep(item, "log_json"u8, "log_protobuf"u8), default),
        });
    }

    void Add(NewEvent e)
    {
        _events.Add(e);
        _items.Add(_taken);
    }

    /// <summary>The item's own bytes behind what stood above it.</summary>
    static byte[] Keep(in OtlpItem item, ReadOnlySpan<byte> asJson, ReadOnlySpan<byte> asProtobuf)
    {
        var above = item.Above.Kept;
        var raw = item.Raw.Span;
        if (item.Json is not null) return [.. above, .. ",\""u8, .. asJson, .. "\":"u8, .. raw, (byte)'}'];
        var start = above.Length + asProtobuf.Length + 5;
        var kept = new byte[start + Base64.GetMaxEncodedToUtf8Length(raw.Length) + 2];
        above.CopyTo(kept, 0);
        ",\""u8.CopyTo(kept.AsSpan(above.Length));
        asProtobuf.CopyTo(kept.AsSpan(above.Length + 2));
        "\":\""u8.CopyTo(kept.AsSpan(start - 3));
        Base64.EncodeToUtf8(raw, kept.AsSpan(start), out _, out _);
        "\"}"u8.CopyTo(kept.AsSpan(kept.Length - 2));
        return kept;
    }

    /// <summary>The same bytes of the same span are the same event, whoever sends them how often.</summary>
    Guid IdOf(string trace, string span, ReadOnlyMemory<byte> raw, ReadOnlySpan<byte> part)
    {
        var ids = new[] { _project, Encoding.UTF8.GetBytes(trace), Encoding.UTF8.GetBytes(span), SHA256.HashData(raw.Span) };
        return part.IsEmpty ? EventIds.Of(ids) : EventIds.Of([.. ids, part.ToArray()]);
    }

    static DateTimeOffset? TimeOf(ulong nanos) => nanos == 0 ? null : OtlpPayload.TimeOf(nanos);
}
