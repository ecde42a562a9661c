using Hindcast.Application.EventSourcing;
using Hindcast.Application.ReadModels;
using Hindcast.Application.Search;
using Hindcast.Application.Traces;
using Hindcast.Domain.Pricing;
using Hindcast.Domain.Traces;

namespace Hindcast.Application.Live;

/// <summary>How a fact is said to those who stream; once for all of them.</summary>
public delegate ReadOnlyMemory<byte> FactWords(StreamedFact fact);

/// <summary>
/// A fact of a trace on its way to those who asked for it. What it says is read, and worded, when the first of them wants to know, and not again.
/// </summary>
public sealed class StreamedFact
{
    const string Category = "trace-";

    readonly FactReader _reader;
    readonly FactWords _words;
    LiveMessage? _message;
    Candidate? _row;

    StreamedFact(LogRecord record, string project, string traceId, FactReader reader, FactWords words) =>
        (Record, Project, TraceId, _reader, _words, Fact) = (record, project, traceId, reader, words, Fact.TryOf(record, out _));

    public LogRecord Record { get; }
    public string Project { get; }
    public string TraceId { get; }
    /// <summary>Null when its header cannot be read: it is in the log all the same, and so it is told.</summary>
    public Fact? Fact { get; }

    /// <summary>As it was received; null when it is erased or cannot be read.</summary>
    public ReadOnlyMemory<byte>? Payload => Fact is { } fact ? _reader.PayloadOf(fact) : null;

    public LiveMessage Message => _message ??= new(Record.Position, _words(this), this);

    /// <summary>Null: it is of no trace, and nobody's who streams traces.</summary>
    public static StreamedFact? Of(LogRecord record, FactReader reader, FactWords words)
    {
        var name = record.Stream.Value;
        if (!name.StartsWith(Category, StringComparison.Ordinal) || name.IndexOf('/', Category.Length) is not (> 0 and var slash)) return null;
        return new(record, name[Category.Length..slash], Uri.UnescapeDataString(name[(slash + 1)..]), reader, words);
    }

    /// <summary>What this fact alone says of its span, as the row of a span that filters look at.</summary>
    public Candidate Row(PriceBook prices)
    {
        if (_row is not null) return _row;
        var row = new SpanRow { Project = Project, TraceId = TraceId, Name = Record.Type, StartedAt = Fact?.Header.At.Micros() ?? 0 };
        if (Fact is not { } fact || _reader.ReadOrNull(fact) is not { } told) return _row = new(row, null, null, []);
        if (told.Event is ScoreGiven given)
        {
            var score = ScoreRow.Of(Project, given);
            (row.SpanId, row.Environment, row.UserId, row.SessionId) = (score.SpanId, given.Environment, given.UserId, given.SessionId);
            return _row = new(row, null, null, []) { Scores = score.Says ? new Dictionary<string, string> { [score.Name] = score.Text } : [] };
        }
        if (Trace.Of(TraceId, [told.Event]) is { Spans.Count: > 0 } trace)
            row = SpanRow.Of(Project, TraceId, trace.Spans.Values.First(), TraceSummary.Of([.. trace.Spans.Values]), prices);
        return _row = new(row, PlainText.Of(row.Input), PlainText.Of(row.Output), []);
    }
}

/// <summary>Which facts somebody streams.</summary>
/// <param name="Projects">Null: all there are.</param>
/// <param name="TraceId">Null: any.</param>
/// <param name="Types">Null: any.</param>
/// <param name="Filter">Asked of what the fact alone says of its span.</param>
/// <param name="Prices">What conditions on money are decided by.</param>
public sealed record FactQuestion(IReadOnlyList<string>? Projects, string? TraceId, IReadOnlySet<string>? Types, Filter Filter, PriceBook Prices)
{
    readonly bool _filters = Filter is not All { Filters.Count: 0 };

    public bool Wants(StreamedFact fact) =>
        (Projects is null || Projects.Contains(fact.Project))
        && (TraceId is null || TraceId == fact.TraceId)
        && (Types is null || Types.Contains(fact.Record.Type))
        && (!_filters || IsTrue(fact));

    /// <summary>A regular expression that takes too long for one fact has not found anything in it.</summary>
    bool IsTrue(StreamedFact fact)
    {
        try
        {
            return Evaluation.Of(Filter, fact.Row(Prices), new RegexBudget()) is true;
        }
        catch (Unprocessable)
        {
            return false;
        }
    }
}
