using System.Diagnostics;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Projects;
using Hindcast.Application.ReadModels;
using Hindcast.Application.Traces;
using Hindcast.Domain.Redaction;
using MediatR;
using Microsoft.EntityFrameworkCore;

namespace Hindcast.Application.Redaction;

/// <summary>What a rule would have found.</summary>
/// <param name="Facts">In how many facts.</param>
public sealed record TriedRule(string Rule, RedactionAction Action, int Facts, int Matches, IReadOnlyList<FoundBefore> Examples);

/// <param name="Masked">Its first characters and its length; what was found is not shown.</param>
public sealed record FoundBefore(LogPosition Position, string TraceId, string? SpanId, string Type, string Masked);

/// <param name="Facts">How many were looked at.</param>
/// <param name="Complete">False when there were more than one request may look at; the newest traces were.</param>
public sealed record TriedRedaction(int Facts, bool Complete, IReadOnlyList<TriedRule> Rules);

/// <summary>Runs rules over what is in the log, and changes nothing: at most 100,000 facts, 256 MiB, 10 s, the newest traces first.</summary>
/// <param name="Rules">Null: those in force.</param>
/// <exception cref="BadRequest">A rule has no meaning; names it.</exception>
public sealed record TryRedaction(Caller By, string? Project, RedactionRules? Rules, DateTimeOffset From, DateTimeOffset To) : IRequest<TriedRedaction>
{
    public const int MostFacts = 100_000;
    const int MostTraces = 20_000, MostExamples = 5;
    const long MostBytes = 256 << 20;
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    internal sealed class Handler(Redactions redactions, Streams streams, FactReader reader, ServingModels models) : IRequestHandler<TryRedaction, TriedRedaction>
    {
        public async Task<TriedRedaction> Handle(TryRedaction query, CancellationToken ct)
        {
            if (query.From >= query.To) throw new BadRequest("from", "from must be before to.");
            var project = query.By.Managed(query.Project);
            var redactor = query.Rules is { } rules ? Redactor.Of(rules) : redactions.RedactorOf(project);
            if (redactor is null) return new(0, true, []);

            var found = redactor.Detectors.ToDictionary(d => d, d => new Tally());
            var (facts, bytes, start) = (0, 0L, Stopwatch.GetTimestamp());
            var traces = await TracesAsync(project, query.From.Micros(), query.To.Micros(), ct);
            foreach (var trace in traces.Take(MostTraces))
                await foreach (var fact in streams.ReadReadableAsync(StreamName.Trace(project, trace), 0, ct))
                {
                    if (fact.Header.At < query.From || fact.Header.At >= query.To) continue;
                    if (facts == MostFacts || bytes > MostBytes || Stopwatch.GetElapsedTime(start) > s_patience) return Answer(complete: false);
                    facts++;
                    bytes += fact.Content.Length;
                    Look(redactor, fact, found);
                }
            return Answer(traces.Count <= MostTraces);

            TriedRedaction Answer(bool complete) => new(facts, complete, [.. redactor.Detectors.Select(d => new TriedRule(
                d.Name, d.Marker is null ? RedactionAction.Flag : RedactionAction.Replace, found[d].Facts, found[d].Matches, found[d].Examples))]);
        }

        async Task<List<string>> TracesAsync(string project, long from, long to, CancellationToken ct)
        {
            await using var db = models.Open("traces");
            return await db.Set<RunRow>().Where(x => x.Project == project && x.StartedAt < to && x.LastAt >= from)
                .OrderByDescending(x => x.StartedAt).Take(MostTraces + 1).Select(x => x.TraceId).ToListAsync(ct);
        }

        void Look(Redactor redactor, Fact fact, Dictionary<Detector, Tally> found)
        {
            var pass = new RedactionPass(redactor, (by, text) => found[by].Take(fact, text));
            reader.Redact(fact, pass);
        }
    }

    sealed class Tally
    {
        LogPosition? _last;

        public int Facts { get; private set; }
        public int Matches { get; private set; }
        public List<FoundBefore> Examples { get; } = [];

        public void Take(Fact fact, ReadOnlySpan<char> text)
        {
            Matches++;
            if (_last == fact.Position) return;
            _last = fact.Position;
            Facts++;
            if (Examples.Count < MostExamples) Examples.Add(new(fact.Position, fact.Header.TraceId!, fact.Header.SpanId, fact.Header.Type, Masked(text)));
        }

        /// <summary>A quarter of it, four characters at most: enough to see what kind of thing it is.</summary>
        static string Masked(ReadOnlySpan<char> text)
        {
            var shown = Math.Min(4, text.Length / 4);
            if (shown > 0 && char.IsHighSurrogate(text[shown - 1])) shown--;
            return $"{text[..shown]}… ({text.Length})";
        }
    }
}
