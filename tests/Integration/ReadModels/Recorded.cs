using System.Text.Json;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Traces;
using Hindcast.Domain;
using Hindcast.Domain.Traces;
using Hindcast.Unit;

namespace Hindcast.Integration.ReadModels;

/// <summary>Payloads that are a <see cref="Reading"/> as JSON, so that a test can say anything without a dialect in between.</summary>
public sealed class PlainPayloads : IPayloadReader
{
    public string Dialect => "plain";
    public int Version => 1;

    public Reading Read(string type, JsonElement payload, bool texts) =>
        payload.TryGetProperty("poison", out _) ? throw new InvalidOperationException("poison") : payload.Deserialize<Reading>()!;
}

/// <summary>Random histories of several traces as records of a log.</summary>
static class Recorded
{
    static readonly DateTimeOffset Now = new(2026, 1, 2, 0, 0, 0, TimeSpan.Zero);

    public static List<LogEventOf> Histories(int seed, int traces) =>
        [.. Enumerable.Range(0, traces).SelectMany(t => Unit.Histories.Of((seed * 31) + t, 40).Select(e => Of(e with { TraceId = $"t{t}" })))];

    /// <summary>Deals facts into a log: revisions by stream, positions by order. A fact may stand in it twice.</summary>
    public static List<LogRecord> Log(IEnumerable<LogEventOf> facts)
    {
        var revisions = new Dictionary<StreamName, long>();
        var position = 0L;
        return [.. facts.Select(f =>
        {
            var revision = revisions[f.Stream] = revisions.GetValueOrDefault(f.Stream, -1) + 1;
            return new LogRecord(f.Stream, revision, new(position += 3), f.Event.Id, f.Event.Type, f.Event.Header, f.Event.Content);
        })];
    }

    public static IEnumerable<LogPage> Pages(IReadOnlyList<LogRecord> log, Random random)
    {
        for (var at = 0; at < log.Count;)
        {
            var page = log.Skip(at).Take(random.Next(1, 30)).ToList();
            at += page.Count;
            yield return new(page, page[^1].Position, at == log.Count);
        }
    }

    public static LogEventOf Of(SpanEvent e)
    {
        var header = new Header
        {
            Type = NameOf(e), Project = "p", Environment = e.Environment, EventId = e.EventId, At = e.At, RecordedAt = Now, Source = new("plain", 1, "k"),
            TraceId = e.TraceId, SpanId = e.SpanId, ParentSpanId = e.ParentSpanId, Step = e.Step, ParentStep = e.ParentStep, ParentStepGiven = true,
        };
        var reading = new Reading
        {
            Kind = e.Kind, Provider = e.Provider, Model = e.Model, Usage = e.Usage, UserId = e.UserId, SessionId = e.SessionId, Name = e.Name,
            Latency = e.Latency, TimeToFirstToken = e.TimeToFirstToken, Attributes = e.Attributes, Sanitised = e.Sanitised,
            Input = e switch { Opening o => o.Input, UserMessage m => m.Input, ProductEvent p => p.Properties, _ => null },
            Output = e switch { Closing c => c.Output, LlmThinking t => t.Thinking, ToolResult r => r.Output, ScoreGiven s => s.Value, _ => null },
            Status = (e as Closing)?.Status, Error = e switch { Closing c => c.Error, ErrorRaised x => x.Message, _ => null },
        };
        return new(StreamName.Trace("p", e.TraceId), new(e.EventId, header.Type, HeaderJson.Write(header), JsonSerializer.SerializeToUtf8Bytes(reading)));
    }

    static string NameOf(SpanEvent e) => ((EventNameAttribute)Attribute.GetCustomAttribute(e.GetType(), typeof(EventNameAttribute))!).Name;
}

sealed record LogEventOf(StreamName Stream, LogEvent Event);
