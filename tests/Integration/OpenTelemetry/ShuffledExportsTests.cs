using System.Globalization;
using Google.Protobuf;
using Hindcast.Api.Dialects.OpenTelemetry;
using Hindcast.Otlp.Sent;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.ReadModels;
using Hindcast.Application.Traces;
using Hindcast.Integration.ReadModels;

namespace Hindcast.Integration.OpenTelemetry;

/// <summary>
/// Exports in any order and any number, through the door, the log and the projection, give the same rows. <c>HINDCAST_TEST_TRACES</c> says how
/// many traces (300); the dump leaves out only what depends on arrival by its nature.
/// </summary>
public sealed class ShuffledExportsTests
{
    const int SpansPerExport = 40;

    static readonly int s_traces = int.Parse(Environment.GetEnvironmentVariable("HINDCAST_TEST_TRACES") ?? "300", CultureInfo.InvariantCulture);

    [Fact]
    public async Task Shuffled_and_repeated_exports_leave_the_same_rows()
    {
        var random = new Random(7);
        var exports = Exports(random).ToList();
        var (expected, rows) = await DumpAsync(exports);
        rows.Should().BeGreaterThan(s_traces * 4);

        var dealt = exports.SelectMany(e => Enumerable.Repeat(e, random.Next(1, 4))).ToArray();
        random.Shuffle(dealt);
        (await DumpAsync(dealt)).Should().Be((expected, rows));
    }

    static async Task<(string Sha256, long Rows)> DumpAsync(IReadOnlyList<(string Path, byte[] Body)> exports)
    {
        await using var door = new DoorHost();
        await door.InitializeAsync();
        foreach (var (path, body) in exports)
            (await door.PostAsync(path, body, contentType: "application/x-protobuf")).Status.Should().Be(200);

        await using var engine = new SqliteReadFixture();
        await engine.StartAsync();
        var traces = new TracesProjection(new FactReader([new OtlpPayload()]));
        var generation = new Generation(traces.Name, 1, traces.Version, door.Log.Id, Serving: false);
        await engine.Store.CreateAsync(traces, generation, TestContext.Current.CancellationToken);
        var follower = new Follower(traces, generation, engine.Store, TimeProvider.System);
        var at = LogPosition.Start;
        await foreach (var page in door.Log.FollowAsync(at, TestContext.Current.CancellationToken))
        {
            at = await follower.ApplyAsync(page, at, TestContext.Current.CancellationToken);
            if (page.AtHead) break;
        }
        follower.Parked.Should().Be(0);
        await using var db = engine.Store.Open(traces, 1);
        return await CanonicalDump.HashAsync(db, TestContext.Current.CancellationToken);
    }

    /// <summary>Traces of every convention, their spans dealt over exports at random; some are announced before they end, some come in two versions.</summary>
    static IEnumerable<(string Path, byte[] Body)> Exports(Random random)
    {
        var (spans, logs) = (new List<ByteString>(), new List<ByteString>());
        for (var trace = 0; trace < s_traces; trace++)
            foreach (var (span, log) in SpansOf(trace, random))
            {
                spans.Add(span.ToByteString());
                if (random.Next(5) == 0) spans.Add(new WireSpan(span) { EndTimeUnixNano = 0 }.ToByteString());
                if (random.Next(8) == 0) spans.Add(new WireSpan(span) { Attributes = { Pair("retried", "yes") } }.ToByteString());
                if (log is not null) logs.Add(log.ToByteString());
            }
        return Dealt("/v1/traces", spans, random).Concat(Dealt("/v1/logs", logs, random));
    }

    static IEnumerable<(string, byte[])> Dealt(string path, List<ByteString> items, Random random)
    {
        var dealt = items.ToArray();
        random.Shuffle(dealt);
        return dealt.Chunk(SpansPerExport).Select(chunk => (path, new Export
        {
            Resources = { new ResourceItems { Resource = new() { Attributes = { Pair("service.name", "shop") } }, Scopes = { new ScopeItems { Items = { chunk } } } } },
        }.ToByteArray()));
    }

    static IEnumerable<(WireSpan, WireLog?)> SpansOf(int trace, Random random)
    {
        var count = random.Next(1, 8);
        var (model, tokens) = (trace % 3 == 0 ? "gpt-4o" : "nobody-knows", new[] { "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt", "ai.usage.inputTokens" }[trace % 4]);
        for (var i = 0; i < count; i++)
        {
            var start = 1767225600000000000UL + ((ulong)random.Next(0, 8) * 250_000_000);
            var span = new WireSpan
            {
                TraceId = Id(trace + 1, 16), SpanId = Id(i + 1, 8), ParentSpanId = i == 0 ? ByteString.Empty : Id(random.Next(0, 4) == 0 ? 99 : random.Next(i) + 1, 8),
                Name = $"work {i}", StartTimeUnixNano = start, EndTimeUnixNano = start + ((ulong)random.Next(0, 5) * 100_000_000),
                Attributes = { Pair("gen_ai.operation.name", i == 0 ? "invoke_agent" : random.Next(2) == 0 ? "chat" : "execute_tool"), Pair("gen_ai.request.model", model), Pair(tokens, random.Next(1, 500)) },
            };
            if (random.Next(3) == 0) span.Attributes.Add(Pair("user.id", $"u{random.Next(3)}"));
            if (random.Next(3) == 0) span.Attributes.Add(Pair("session.id", $"s{random.Next(3)}"));
            if (random.Next(6) == 0) span.Status = new() { Code = 2, Message = "no" };
            if (random.Next(6) == 0) span.Events.Add(new WireEvent { Name = "gen_ai.evaluation.result", TimeUnixNano = start, Attributes = { Pair("gen_ai.evaluation.name", "tone"), Pair("gen_ai.evaluation.score.value", i) } });
            yield return (span, random.Next(3) > 0 ? null : new()
            {
                TraceId = span.TraceId, SpanId = span.SpanId, TimeUnixNano = start + (ulong)random.Next(0, 3), EventName = random.Next(2) == 0 ? "gen_ai.user.message" : "gen_ai.choice",
                Body = new() { StringValue = $"said {random.Next(3)}" },
            });
        }
    }

    static KeyValue Pair(string key, object value) => new() { Key = key, Value = value is int n ? new() { IntValue = n } : new() { StringValue = (string)value } };

    static ByteString Id(int id, int length) => ByteString.CopyFrom(Convert.FromHexString(id.ToString($"x{length * 2}", CultureInfo.InvariantCulture)));
}
