using Hindcast.Domain.Traces;

namespace Hindcast.Integration.Gateway;

/// <summary>What is recorded of calls while the log is away: as much as fits, once, and the rest is counted.</summary>
public sealed class SpoolTests(SpoolTests.SmallSpool host) : IClassFixture<SpoolTests.SmallSpool>
{
    const string Question = """{"model":"gpt-4o-mini","messages":[]}""";
    const string Reply = """{"id":"c","choices":[{"index":0,"message":{"content":"ok"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}""";

    public sealed class SmallSpool : GatewayHost
    {
        protected override IEnumerable<string> Settings => ["--Hindcast:Gateway:SpoolBytes=2000"];
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Calls_go_on_when_the_spool_is_full_and_what_it_held_is_stored_once(bool written)
    {
        var ct = TestContext.Current.CancellationToken;
        var before = host.Spool.Unrecorded;
        host.Provider.Reset((http, _) => FakeProvider.Json(http, 200, Reply));
        var away = new IOException("No space left on device");
        var traces = new List<string>();
        if (written) host.Log.LostAnswer = away;
        else host.Log.Failure = away;
        try
        {
            // Twenty more after the first that found no room.
            for (var more = 20; more > 0; more -= host.Spool.Unrecorded > before ? 1 : 0)
            {
                traces.Add($"t-{Guid.NewGuid():n}");
                var (status, body, headers) = await host.PostAsync("/v1/chat/completions", Question, ("X-Trace-ID", traces[^1]));
                (status, GatewayHost.Text(body)).Should().Be((200, Reply));
                if (traces.Count > 1) headers["X-Trace-Recorded"].Should().Be("false");
                while (host.Spool.Records) await Task.Delay(5, ct);
                host.Spool.Bytes.Should().BeLessThanOrEqualTo(2000);
                traces.Count.Should().BeLessThan(200, "the spool is small");
            }
            // The last call's end is told when its caller has everything.
            for (long known = -1; known != host.Spool.Unrecorded + host.Spool.Bytes; await Task.Delay(100, ct)) known = host.Spool.Unrecorded + host.Spool.Bytes;
        }
        finally
        {
            (host.Log.Failure, host.Log.LostAnswer) = (null, null);
        }
        while (host.Spool.Bytes > 0) await Task.Delay(5, ct);

        var stored = host.Log.Facts.Where(f => f.Header.TraceId is { } trace && traces.Contains(trace)).ToList();
        stored.Should().NotBeEmpty();
        stored.Select(f => f.Header.EventId).Should().OnlyHaveUniqueItems();
        stored.Select(f => (f.Header.TraceId, f.Header.Type)).Should().OnlyHaveUniqueItems("each call is opened and ended once");
        (stored.Count + host.Spool.Unrecorded - before).Should().Be(2 * traces.Count, "what is not stored is counted");

        // And so it goes on.
        var last = $"t-{Guid.NewGuid():n}";
        (await host.PostAsync("/v1/chat/completions", Question, ("X-Trace-ID", last))).Headers["X-Trace-Recorded"].Should().Be("true");
        (await host.FactsAsync(last, 2)).Should().HaveCount(2);
    }
}

/// <summary>What gathers, and for whom it does not.</summary>
public sealed class GatherTests(GatherTests.PatientSpool host) : IClassFixture<GatherTests.PatientSpool>
{
    public sealed class PatientSpool : GatewayHost
    {
        protected override IEnumerable<string> Settings => ["--Hindcast:Gateway:Gather=01:00:00"];
    }

    [Fact]
    public async Task What_a_call_reserved_of_a_budget_waits_for_no_other_call()
    {
        var ct = TestContext.Current.CancellationToken;
        host.Provider.Reset((http, _) => FakeProvider.Json(http, 200, """{"id":"c","choices":[{"index":0,"message":{"content":"ok"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}"""));
        var key = ("Authorization", $"Bearer {await host.KeyAsync("thrifty")}");
        await host.SetAsync(HttpMethod.Put, "/api/v1/budgets/b", """{"project_id":"thrifty","subject":"project","period":"month","tokens":1500}""");

        // The first after a pause waits for nothing; from then on what is recorded gathers, for an hour here.
        await host.PostAsync("/v1/chat/completions", """{"model":"gpt-4o-mini","messages":[]}""", ("X-Trace-ID", "free"));
        (await host.FactsAsync("free", 1)).Should().ContainItemsAssignableTo<UserMessage>();

        const string question = """{"model":"gpt-4o-mini","messages":[],"max_tokens":1000}""";
        for (var call = 0; call < 3; call++)
        {
            // What it may use fits once; when that was given back, it fits again.
            var status = 0;
            for (var attempt = 0; status != 200; attempt++)
            {
                status = (await host.PostAsync("/v1/chat/completions", question, key, ("X-Trace-ID", $"held-{call}"))).Status;
                attempt.Should().BeLessThan(500, "it is settled at once");
                if (status != 200) await Task.Delay(20, ct);
            }
            (await host.FactsAsync($"held-{call}", 2, "thrifty")).Should().HaveCount(2);
        }
    }
}
