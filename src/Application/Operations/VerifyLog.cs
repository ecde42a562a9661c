using System.Text.Json;
using Hindcast.Application.EventSourcing;

namespace Hindcast.Application.Operations;

/// <param name="Locked">Facts whose contents are sealed with keys this vault never had: nobody can read them until it is the vault of who wrote them.</param>
/// <param name="Faults">What is wrong, by position; the first 100.</param>
public sealed record LogReport(Guid LogId, long Facts, int Streams, LogPosition Head, long Locked, IReadOnlyList<string> Faults);

/// <summary>
/// Reads the log from its start to its head: every byte against its checksum (the engine does that), every fact against the hash of the one
/// before it in its stream. What was changed, taken out or put in by anybody shows here. Needs 32 bytes and a name of memory per stream.
/// </summary>
/// <param name="seal">Asked for when there is something sealed.</param>
public sealed class VerifyLog(IEventLog log, Func<ISeal>? seal = null)
{
    const int MostFaults = 100;

    public async Task<LogReport> RunAsync(IProgress<(LogPosition At, LogPosition Head)> progress, CancellationToken ct)
    {
        var head = await log.HeadAsync(ct);
        var (facts, locked, heads, faults) = (0L, 0L, new Dictionary<StreamName, byte[]>(), new List<string>());
        try
        {
            await foreach (var page in log.FollowAsync(LogPosition.Start, ct))
            {
                foreach (var record in page.Records)
                {
                    facts++;
                    if (Check(record, heads, out var header) is { } fault) faults.Add($"Position {record.Position}, stream {record.Stream}, revision {record.Revision}: {fault}");
                    if (header?.SealedBy is { } by && seal?.Invoke().Knows(by) == false) locked++;
                    heads[record.Stream] = Fact.HashOf(record.Header.Span, record.Content.Span);
                    if (faults.Count == MostFaults) return Report();
                }
                progress.Report((page.Last, head));
                // Facts that arrive meanwhile are somebody else's to wait for.
                if (page.AtHead || page.Last >= head) break;
            }
        }
        catch (LogDamaged damaged)
        {
            faults.Add(damaged.Message);
        }
        return Report();

        LogReport Report() => new(log.Id, facts, heads.Count, head, locked, faults);
    }

    static string? Check(LogRecord record, Dictionary<StreamName, byte[]> heads, out Header? header)
    {
        try
        {
            header = HeaderJson.Read(record.Header.Span);
        }
        catch (Exception e) when (e is JsonException or FormatException or InvalidOperationException)
        {
            header = null;
            return $"the header cannot be read ({e.Message})";
        }
        if (header.EventId != record.Id) return "the header names another event.";
        if (!heads.TryGetValue(record.Stream, out var before)) return header.Previous.IsEmpty ? null : "facts before it are missing.";
        return header.Previous.Span.SequenceEqual(before) ? null : "it does not follow from the fact before it.";
    }
}
