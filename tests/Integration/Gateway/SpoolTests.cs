using Hindcast.Application.Gateway;
using Hindcast.Application.Projects;
using Hindcast.Domain.Traces;
using Microsoft.Extensions.DependencyInjection;

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

/// <summary>Calls that come go before what is to be written of calls that are over, and not for ever. The clock moves when it is told.</summary>
public sealed class RushTests : IAsyncLifetime
{
    const string Question = """{"model":"gpt-4o-mini","messages":[]}""";
    static readonly Caller s_other = FirstStart.Operator("other");

    readonly RushedHost _host = new();

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    sealed class RushedHost : GatewayHost
    {
        public Clock Clock { get; } = new();

        protected override IEnumerable<string> Settings => ["--Hindcast:Gateway:Gather=00:00:00", "--Hindcast:Gateway:SpoolBytes=40000"];

        protected override void Also(IServiceCollection services) => services.AddSingleton<TimeProvider>(Clock);
    }

    sealed class Clock : TimeProvider
    {
        long _ticks = new DateTimeOffset(2026, 11, 20, 12, 0, 0, TimeSpan.Zero).Ticks;

        public override DateTimeOffset GetUtcNow() => new(Interlocked.Read(ref _ticks), TimeSpan.Zero);

        public override long GetTimestamp() => Interlocked.Read(ref _ticks);

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public void Pass(int ms) => Interlocked.Add(ref _ticks, ms * TimeSpan.TicksPerMillisecond);
    }

    public async ValueTask InitializeAsync()
    {
        await _host.InitializeAsync();
        _host.Provider.Reset((http, _) => FakeProvider.Json(http, 200, """{"id":"c","choices":[{"index":0,"message":{"content":"ok"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}"""));
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    /// <summary>More calls than leave the processors to others, by the clock of this host.</summary>
    void Rush(int ms = 10)
    {
        var calls = _host.Services.GetRequiredService<CallsAtOnce>();
        for (var i = 0; i < 100 * Environment.ProcessorCount; i++) calls.Begin(s_other, int.MaxValue).Dispose();
        _host.Clock.Pass(ms);
    }

    async Task CallAsync(string trace, string question = Question) => (await _host.PostAsync("/v1/chat/completions", question, ("X-Trace-ID", trace))).Status.Should().Be(200);

    int Written(string trace) => _host.Log.Facts.Count(f => f.Header.TraceId == trace);

    /// <summary>Long enough, in time that really passes, for what is not held back.</summary>
    static Task LookAsync() => Task.Delay(250, Ct);

    [Fact]
    public async Task What_is_over_waits_while_calls_come_and_is_written_when_they_ease()
    {
        Rush();
        await CallAsync("waits");
        await LookAsync();
        Written("waits").Should().Be(0);
        _host.Clock.Pass(200);
        (await _host.FactsAsync("waits", 2)).Should().HaveCount(2);
    }

    [Fact]
    public async Task It_waits_for_a_second_though_they_go_on()
    {
        Rush();
        await CallAsync("late");
        for (var ms = 0; ms < 950; ms += 50) Rush(50);
        await LookAsync();
        Written("late").Should().Be(0);
        Rush(60);
        (await _host.FactsAsync("late", 2)).Should().HaveCount(2);
    }

    [Fact]
    public async Task It_waits_for_nobody_with_half_of_the_room_taken()
    {
        Rush();
        await CallAsync("large", $$"""{"model":"gpt-4o-mini","messages":[{"role":"user","content":"{{new string('x', 24_000)}}"}]}""");
        (await _host.FactsAsync("large", 1)).Should().ContainItemsAssignableTo<UserMessage>();
    }
}
