using System.Text;
using Hindcast.Application.EventSourcing;
using Hindcast.Infrastructure.EventLogs.Sqlite;

namespace Hindcast.Integration.Server;

/// <summary>Facts that this release cannot read are put aside with a reason; everything around them is applied, and nothing else is troubled.</summary>
public sealed class ParkedTests(ParkedTests.Spoilt server) : IClassFixture<ParkedTests.Spoilt>
{
    /// <summary>Three traces: one with facts of a newer release between good ones, one whose last fact has no header, one of a broken fact alone.</summary>
    public sealed class Spoilt : LiveServer, IAsyncLifetime
    {
        // What is put into the log beside the server is in clear.
        protected override Task<Dictionary<string, string>> SettingsAsync() => Task.FromResult(new Dictionary<string, string> { ["Hindcast__Sealing"] = "false" });

        async ValueTask IAsyncLifetime.InitializeAsync()
        {
            await InitializeAsync();
            foreach (var trace in (string[])["newer", "broken"])
                (await PostAsync("/api/v1/events", $$"""{"type":"user_message","trace_id":"{{trace}}","span_id":"first","content":"hello"}""")).Status.Should().Be(202);
            await Process.KillAsync();

            await using (var log = SqliteEventLog.Open(Path.Combine(Folder, "log.db"), TimeProvider.System))
            {
                var (newer, broken) = (StreamName.Trace("default", "newer"), StreamName.Trace("default", "broken"));
                await log.AppendAsync(newer, 0, [await LikeFirstAsync(log, newer, "span_teleported", "x"), await LikeFirstAsync(log, newer, "user_message", "second"), (await LikeFirstAsync(log, newer, "user_message", "y")) with { Content = "no JSON"u8.ToArray() }], default);
                await log.AppendAsync(broken, 0, [await LikeFirstAsync(log, broken, "user_message", "second"), Broken("no header at all")], default);
                await log.AppendAsync(StreamName.Trace("default", "alone"), -1, [Broken("""{"v":99,"type":"user_message"}""")], default);
            }
            await StartAgainAsync();
        }

        static LogEvent Broken(string header) => new(Guid.NewGuid(), "user_message", Encoding.UTF8.GetBytes(header), "{}"u8.ToArray());

        static async Task<LogEvent> LikeFirstAsync(SqliteEventLog log, StreamName stream, string type, string span)
        {
            var first = (await log.TailAsync(stream, 1, default))[0];
            var header = Fact.Of(first).Header with { EventId = Guid.NewGuid(), Type = type, SpanId = span };
            return new(header.EventId, type, HeaderJson.Write(header), first.Content);
        }
    }

    [Fact]
    public async Task They_are_listed_with_their_reasons_and_stay_when_replayed()
    {
        await TheseAreParkedAsync();
        (await server.PostAsync("/api/v1/projections/traces/parked/replay", "")).Status.Should().Be(202);
        // The replay goes before whatever is written after it.
        (await server.PostAsync("/api/v1/events", """{"type":"user_message","trace_id":"after"}""")).Status.Should().Be(202);
        (await server.JsonAsync("/api/v1/traces/after/tree")).GetProperty("event_count").GetInt32().Should().Be(1);
        await TheseAreParkedAsync();
    }

    [Fact]
    public async Task The_server_is_well_with_them()
    {
        await server.JsonAsync("/api/v1/traces");
        (await server.GetAsync("/health", key: null)).Json.Text("status").Should().Be("healthy");
        (await server.GetAsync("/health/ready", key: null)).Status.Should().Be(200);
        var traces = (await server.JsonAsync("/api/v1/projections"))[0];
        (traces.Text("state"), traces.GetProperty("lag_events").GetInt64(), traces.GetProperty("parked").GetInt32()).Should().Be(("live", 0, 4));
    }

    [Theory]
    [InlineData("newer", 4)]
    [InlineData("broken", 2)]
    public async Task Their_neighbours_are_on_every_view_of_the_trace(string trace, int readable)
    {
        var tree = await server.JsonAsync($"/api/v1/traces/{trace}/tree");
        tree.Spans().Select(s => s.Text("span_id")).Should().BeEquivalentTo("first", "second");
        var state = await server.JsonAsync($"/api/v1/traces/{trace}/state?as_of_revision=9");
        state.GetRawText().Should().Be(tree.GetRawText());
        // What has a header is on the timeline, whether or not this release knows what it means.
        (await server.JsonAsync($"/api/v1/traces/{trace}/timeline")).GetProperty("items").GetArrayLength().Should().Be(readable);
    }

    [Fact]
    public async Task A_trace_of_which_nothing_can_be_read_is_none()
    {
        foreach (var view in (string[])["tree", "timeline", "state?as_of_revision=5"])
            (await server.ReadAsync($"/api/v1/traces/alone/{view}")).Status.Should().Be(404, view);
    }

    [Fact]
    public async Task A_trace_goes_on_behind_a_fact_that_cannot_be_read()
    {
        await using var other = new Spoilt();
        await ((IAsyncLifetime)other).InitializeAsync();
        foreach (var trace in (string[])["newer", "broken", "alone"])
        {
            (await other.PostAsync("/api/v1/events", $$"""{"type":"user_message","trace_id":"{{trace}}","span_id":"third"}""")).Status.Should().Be(202);
            (await other.JsonAsync($"/api/v1/traces/{trace}/tree")).Spans().Select(s => s.Text("span_id")).Should().Contain("third");
        }
    }

    [Fact]
    public async Task A_rebuild_that_could_not_apply_every_fact_serves_only_when_that_is_accepted()
    {
        await using var other = new Spoilt();
        await ((IAsyncLifetime)other).InitializeAsync();
        (await other.PostAsync("/api/v1/projections/traces/rebuild", "")).Status.Should().Be(202);
        var refused = await RebuiltAsync(2);
        (refused.GetProperty("served").GetBoolean(), refused.GetProperty("differences")[0].GetString()).Should()
            .Be((false, "4 facts could not be applied (4 of what serves): 'hindcast projections rebuild traces --accept-parked' takes over all the same."));

        (await other.PostAsync("/api/v1/projections/traces/rebuild?accept_parked=perhaps", "")).Status.Should().Be(400);
        (await other.PostAsync("/api/v1/projections/traces/rebuild?accept_parked=true", "")).Status.Should().Be(202);
        (await RebuiltAsync(2, served: true)).GetProperty("served").GetBoolean().Should().BeTrue();
        (await other.JsonAsync("/api/v1/projections/traces/parked")).GetArrayLength().Should().Be(4);
        (await other.JsonAsync("/api/v1/traces/newer/tree")).Spans().Should().HaveCount(2);

        async Task<System.Text.Json.JsonElement> RebuiltAsync(int generation, bool served = false)
        {
            while (true)
            {
                var traces = (await other.JsonAsync("/api/v1/projections")).EnumerateArray().Single(p => p.Text("name") == "traces");
                if (traces.TryGetProperty("last_rebuild", out var last) && last.GetProperty("generation").GetInt32() >= generation && (!served || last.GetProperty("served").GetBoolean())) return last;
                await Task.Delay(50, TestContext.Current.CancellationToken);
            }
        }
    }

    async Task TheseAreParkedAsync()
    {
        var parked = (await server.JsonAsync("/api/v1/projections/traces/parked")).EnumerateArray().ToList();
        parked.Select(p => (p.Text("stream"), p.GetProperty("revision").GetInt64(), p.Text("type"))).Should().Equal(
            ("trace-default/newer", 1, "span_teleported"), ("trace-default/newer", 3, "user_message"),
            ("trace-default/broken", 2, "user_message"), ("trace-default/alone", 0, "user_message"));
        parked[0].Text("reason").Should().Contain("unknown type 'span_teleported'");
        parked[1].Text("reason").Should().Contain("no JSON");
        parked[2].Text("reason").Should().NotBeNullOrEmpty();
        parked[3].Text("reason").Should().Contain("version 99");
    }
}
