using System.Text;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Projects;

namespace Hindcast.Integration.Keys;

/// <summary>F20: one effect for one key, on the vault and the log that the product uses.</summary>
public sealed class IdempotencyTests : IAsyncLifetime
{
    static readonly byte[] Body = "[1]"u8.ToArray();

    KeyHost _host = null!;
    int _runs;

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _host = await KeyHost.StartAsync();

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task A_hundred_equal_calls_at_once_have_one_effect_and_one_answer()
    {
        var keys = _host.Get<IdempotencyKeys>();
        var answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => Task.Run(() => keys.RunAsync("shop", "order-1", Body, AppendAsync, Ct))));
        _runs.Should().Be(1);
        answers.Should().OnlyContain(a => a.Status == 202 && a.Position == answers[0].Position && a.Body.SequenceEqual(answers[0].Body));
        (await FactsAsync()).Should().HaveCount(1);

        await _host.RestartAsync();
        (await _host.Get<IdempotencyKeys>().RunAsync("shop", "order-1", Body, AppendAsync, Ct)).Body.Should().Equal(answers[0].Body);
        _runs.Should().Be(1);
    }

    [Fact]
    public async Task Another_body_is_refused_while_the_first_runs_and_afterwards()
    {
        var (keys, go) = (_host.Get<IdempotencyKeys>(), new TaskCompletionSource());
        var first = keys.RunAsync("shop", "k", Body, async ct => { await go.Task; return await AppendAsync(ct); }, Ct);
        await FluentActions.Awaiting(() => keys.RunAsync("shop", "k", "[2]"u8.ToArray(), AppendAsync, Ct)).Should().ThrowAsync<IdempotencyKeyReused>();
        go.SetResult();
        await first;
        await FluentActions.Awaiting(() => keys.RunAsync("shop", "k", "[2]"u8.ToArray(), AppendAsync, Ct)).Should().ThrowAsync<IdempotencyKeyReused>();
        _runs.Should().Be(1);
    }

    [Fact]
    public async Task A_crash_between_effect_and_answer_leaves_one_effect()
    {
        // The effect is in the log; the process ends before the answer is in the vault.
        await AppendAsync(Ct);
        await _host.RestartAsync();

        var answer = await _host.Get<IdempotencyKeys>().RunAsync("shop", "order-1", Body, AppendAsync, Ct);
        _runs.Should().Be(2, "nobody knows that it ran");
        (await FactsAsync()).Should().HaveCount(1);
        answer.Position.Should().Be((await FactsAsync()).Single().Position.Value);
    }

    /// <summary>As an ingest door works: the id of the event follows from the key.</summary>
    async Task<StoredAnswer> AppendAsync(CancellationToken ct)
    {
        Interlocked.Increment(ref _runs);
        await Task.Delay(20, ct);
        var header = new Header { Type = "span_started", Project = "shop", EventId = EventIds.Of("order-1"u8.ToArray()), At = DateTimeOffset.UnixEpoch, Source = new("native", 1, null) };
        var outcomes = await _host.Get<Streams>().AppendAsync(StreamName.Trace("shop", "t"), [new(header, new(Body, default))], Streams.Count, ct);
        return new(202, Encoding.UTF8.GetBytes($"stored at {outcomes[0].Position}"), outcomes[0].Position.Value);
    }

    async Task<List<Fact>> FactsAsync() => await _host.Get<Streams>().ReadAsync(StreamName.Trace("shop", "t"), 0, Ct).ToListAsync();
}
