using Hindcast.Application.EventSourcing;
using Hindcast.Application.Projects;
using Hindcast.Application.Redaction;
using Hindcast.Domain.Traces;
using MediatR;

namespace Hindcast.Application.Traces;

/// <summary>An event as a dialect took it in: checked, typed, and with its payload as received.</summary>
public sealed record NewEvent
{
    public required string Type { get; init; }
    public required string TraceId { get; init; }
    /// <summary>Null: the sender gave none, and each sending is its own event.</summary>
    public Guid? EventId { get; init; }
    /// <summary>Null: now.</summary>
    public DateTimeOffset? At { get; init; }
    public string? SpanId { get; init; }
    public string? ParentSpanId { get; init; }
    public int? Step { get; init; }
    public int? ParentStep { get; init; }
    public required Reading Reading { get; init; }
    public required IPayloadReader Reader { get; init; }
    public required Content Content { get; init; }
    /// <summary>WhyOps numbers the events of a trace; who gives no step gets the next.</summary>
    public bool AssignStep { get; init; }
    /// <summary>The agent the trace is bound to by this event; null leaves it free.</summary>
    public string? Agent { get; init; }
    /// <summary>A known id with another content is refused instead of taken for a repeat.</summary>
    public bool RefuseOtherContent { get; init; }
}

/// <summary>
/// Writes events to the streams of their traces. Each gets its own answer, in order; what is answered with a place is durable. Events of
/// one trace keep their order. Different traces are independent of each other.
/// </summary>
public sealed record AppendEvents(Caller Caller, IReadOnlyList<NewEvent> Events) : IRequest<IReadOnlyList<Outcome>>
{
    internal sealed class Handler(Streams log, Subjects subjects, TimeProvider clock, Redactions? redactions = null) : IRequestHandler<AppendEvents, IReadOnlyList<Outcome>>
    {
        public async Task<IReadOnlyList<Outcome>> Handle(AppendEvents command, CancellationToken ct)
        {
            var now = Streams.Micros(clock.GetUtcNow());
            var redactor = redactions?.RedactorOf(command.Caller.Project);
            var streams = new Dictionary<string, (List<Draft> Drafts, List<int> Indexes)>(StringComparer.Ordinal);
            for (var i = 0; i < command.Events.Count; i++)
            {
                var e = command.Events[i];
                if (!streams.TryGetValue(e.TraceId, out var stream)) streams[e.TraceId] = stream = (new(1), new(1));
                stream.Drafts.Add(redactor is null ? DraftOf(e, null, command.Caller, now) : Redacted(redactor, e, command.Caller, now));
                stream.Indexes.Add(i);
            }

            var answers = await log.AppendAsync(
                [.. streams.Select(s => (StreamName.Trace(command.Caller.Project, s.Key), (IReadOnlyList<Draft>)s.Value.Drafts))], TraceStamp.Stamp, ct);
            var outcomes = new Outcome[command.Events.Count];
            foreach (var ((_, indexes), answered) in streams.Values.Zip(answers))
                for (var i = 0; i < indexes.Count; i++) outcomes[indexes[i]] = answered[i];
            return outcomes;
        }

        Draft Redacted(Redactor redactor, NewEvent e, Caller caller, DateTimeOffset now)
        {
            var (clean, marks) = Redactions.Apply(redactor, e);
            return DraftOf(clean, marks, caller, now);
        }

        Draft DraftOf(NewEvent e, IReadOnlyList<Mark>? marks, Caller caller, DateTimeOffset now)
        {
            var id = e.EventId ?? Guid.CreateVersion7(now);
            var at = Streams.Micros(e.At ?? now);
            var believed = Clamp(at, now);
            var header = new Header
            {
                Type = e.Type,
                Project = caller.Project,
                Environment = e.Reading.Environment ?? caller.Environment,
                EventId = id,
                At = believed,
                AtMoved = believed != at,
                Source = new(e.Reader.Dialect, e.Reader.Version, caller.KeyId),
                TraceId = e.TraceId,
                SpanId = e.SpanId ?? (e.Type == "score" ? null : EventIds.SpanOf(id)),
                ParentSpanId = e.ParentSpanId,
                Kind = e.Reading.Kind,
                Step = e.Step,
                ParentStep = e.ParentStep,
                ParentStepGiven = e.ParentStep is not null,
                Provider = e.Reading.Provider,
                Model = e.Reading.Model,
                Usage = e.Reading.Usage,
                Subject = e.Reading.UserId is { } user ? subjects.Of(caller.Project, user) : null,
                Marks = marks,
            };
            return new(header, e.Content) { Agent = e.Agent, AssignStep = e.AssignStep, RefuseOtherContent = e.RefuseOtherContent };
        }

        static DateTimeOffset Clamp(DateTimeOffset at, DateTimeOffset now) =>
            at < TraceRules.EarliestTime ? TraceRules.EarliestTime : at > now + TraceRules.FurthestFuture ? now + TraceRules.FurthestFuture : at;
    }
}

/// <summary>What a trace's stream gives each fact: the step, the running figures, and the two refusals.</summary>
static class TraceStamp
{
    public static Stamped Stamp(Draft draft, Running before)
    {
        if (before.Closed) throw new TraceIsErased();
        if (before.Events >= TraceRules.MostEventsPerTrace) throw new TraceTooLarge();
        if (before.Agent is not null && draft.Agent is not null && before.Agent != draft.Agent) throw new TraceBoundToAnotherAgent();

        var (step, parent) = (draft.Header.Step, draft.Header.ParentStep);
        if (draft.AssignStep)
        {
            // The step before is only a guess at the parent, which is why the header says whether it was given.
            if (step is null) (step, parent) = (before.MaxStep + 1, parent ?? (before.MaxStep == 0 ? null : before.MaxStep));
            else if (step > 1) parent ??= step - 1;
        }
        return new(
            new(before.Events + 1, Math.Max(before.MaxStep, step ?? 0), before.Bytes + draft.Content.Length, before.Agent ?? draft.Agent), step, parent);
    }
}
