using System.Text;
using System.Text.Json;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Payloads;
using Hindcast.Application.Projects;
using Hindcast.Application.Traces;
using Hindcast.Domain;
using Hindcast.Domain.Traces;

namespace Hindcast.Api.Dialects.WhyOps;

/// <summary>
/// The elements of one body, each with its own fate: faulty, refused by its trace, or durable. A bad one never costs its neighbours
/// anything. An element is one fact, or two for the legacy <c>tool_call</c>; its answer describes the first.
/// </summary>
internal sealed class WhyOpsBatch(Caller caller, string? headerUser, DateTimeOffset now)
{
    static readonly WhyOpsPayload Reader = new();

    readonly List<NewEvent> _facts = [];
    /// <summary>For each fact the index of its element.</summary>
    readonly List<int> _indexes = [];

    public IReadOnlyList<NewEvent> Facts => _facts;

    /// <summary>What is wrong, by index of the element.</summary>
    public SortedDictionary<int, List<Fault>> Faults { get; } = [];

    /// <summary>The elements that are durable, in order, by what became of their first fact.</summary>
    public SortedDictionary<int, Outcome> Stored { get; } = [];

    /// <summary>What refused an element: its trace, not its form.</summary>
    public RuleBroken? Refusal { get; private set; }

    /// <summary>Where the last fact of this body stands; <see cref="LogPosition.Start"/> when there is none.</summary>
    public LogPosition Last { get; private set; }

    /// <param name="type">Stands for the element's own <c>eventType</c> at the doors that know it.</param>
    public void Take(int index, JsonElement element, ReadOnlyMemory<byte> raw, string? type)
    {
        var faults = new List<Fault>();
        if (raw.Length > WhyOpsEvents.MostEventBytes)
            faults.Add(new("", "too_big", $"An event must be at most {WhyOpsEvents.MostEventBytes} bytes"));
        else if (PayloadRules.Check(raw.Span) is { } fault) faults.Add(fault);
        else if (WhyOpsRules.Read(element, type, faults) is { } e)
        {
            // A copy: an append that timed out may still be under way when the body's memory goes back to its pool.
            foreach (var fact in FactsOf(e, element, raw.ToArray()))
            {
                _facts.Add(fact);
                _indexes.Add(index);
            }
        }
        if (faults.Count > 0) Faults[index] = faults;
    }

    /// <param name="outcomes">One for each of <see cref="Facts"/>, in order.</param>
    public void Settle(IReadOnlyList<Outcome> outcomes)
    {
        for (var i = 0; i < outcomes.Count; i++)
        {
            var (index, outcome) = (_indexes[i], outcomes[i]);
            if (outcome.Refused is { } why)
            {
                Refusal = why;
                Stored.Remove(index);
                Faults[index] = [why switch
                {
                    TraceBoundToAnotherAgent => new("agentName", "agent_conflict", why.Message),
                    TraceTooLarge => new("traceId", "trace_too_large", why.Message),
                    _ => new("", "refused", why.Message),
                }];
            }
            else if (!Faults.ContainsKey(index)) Stored.TryAdd(index, outcome);
            if (outcome.Position > Last) Last = outcome.Position;
        }
    }

    IEnumerable<NewEvent> FactsOf(WhyOpsEvent e, JsonElement element, ReadOnlyMemory<byte> raw)
    {
        if (e.Type != WhyOpsEvent.LegacyToolCall)
        {
            yield return FactOf(e, e.Type, element, raw) with { EventId = e.IdempotencyKey is null ? null : IdOf(e) };
            yield break;
        }
        // Both ids follow from the key, so that a retry completes what a first attempt left half done.
        var id = e.IdempotencyKey is null ? Guid.CreateVersion7(now) : IdOf(e);
        var (span, end) = (e.SpanId ?? EventIds.SpanOf(id), e.At ?? now);
        var request = FactOf(e, "tool_call_request", element, raw);
        yield return request with { EventId = id, SpanId = span, At = end - (request.Reading.Latency ?? TimeSpan.Zero) };
        yield return FactOf(e, WhyOpsEvent.ToolCallResponse, element, raw) with
        {
            EventId = e.IdempotencyKey is null ? null : IdOf(e, "response"u8.ToArray()),
            SpanId = span,
            At = end,
            Step = e.Step + 1,
            ParentStep = null,
        };
    }

    NewEvent FactOf(WhyOpsEvent e, string type, JsonElement element, ReadOnlyMemory<byte> raw)
    {
        var reading = Reader.Read(type, element, texts: false);
        var fromHeader = e.ExternalUserId is null ? headerUser : null;
        return new()
        {
            Type = type,
            TraceId = e.TraceId,
            At = e.At,
            SpanId = e.SpanId,
            ParentSpanId = e.ParentSpanId,
            Step = e.Step,
            ParentStep = e.ParentStep,
            AssignStep = true,
            Agent = e.AgentName,
            Reader = Reader,
            Reading = reading with { UserId = e.ExternalUserId ?? headerUser },
            Content = new(raw, fromHeader is null ? default : JsonSerializer.SerializeToUtf8Bytes(new { user_id = fromHeader })),
        };
    }

    Guid IdOf(WhyOpsEvent e, params ReadOnlySpan<byte[]> more) =>
        EventIds.Of([Encoding.UTF8.GetBytes(caller.Project), Encoding.UTF8.GetBytes(e.TraceId), Encoding.UTF8.GetBytes(e.IdempotencyKey!), .. more]);
}
