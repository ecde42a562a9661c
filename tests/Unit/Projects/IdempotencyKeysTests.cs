using Hindcast.Application;
using Hindcast.Application.Projects;

namespace Hindcast.Unit.Projects;

public sealed class IdempotencyKeysTests
{
    readonly ManualClock _clock = new();
    readonly MemoryVault _vault = new();
    int _runs;

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    IdempotencyKeys Keys => new(_vault, _clock);

    [Theory]
    [InlineData("")]
    [InlineData("tab\t")]
    [InlineData("é")]
    [InlineData("\u007f")]
    public async Task A_key_is_printable_ASCII(string key)
    {
        await FluentActions.Awaiting(() => RunAsync(Keys, key)).Should().ThrowAsync<BadRequest>();
        _runs.Should().Be(0);
    }

    [Fact]
    public async Task A_key_has_at_most_255_characters()
    {
        await RunAsync(Keys, new string('k', 255));
        await FluentActions.Awaiting(() => RunAsync(Keys, new string('k', 256))).Should().ThrowAsync<BadRequest>();
    }

    [Fact]
    public async Task A_repeat_is_answered_alike_after_a_restart_too()
    {
        var first = await RunAsync(Keys, "k");
        (await RunAsync(Keys, "k")).Should().BeEquivalentTo(first);
        _runs.Should().Be(1);
    }

    [Fact]
    public async Task Another_body_is_refused_and_another_project_is_another_key()
    {
        await RunAsync(Keys, "k");
        await FluentActions.Awaiting(() => RunAsync(Keys, "k", body: "other")).Should().ThrowAsync<IdempotencyKeyReused>();
        await RunAsync(Keys, "k", project: "other", body: "other");
        _runs.Should().Be(2);
    }

    [Fact]
    public async Task After_a_day_a_key_is_free()
    {
        await RunAsync(Keys, "k");
        _clock.Now = _clock.Now.AddHours(24);
        await RunAsync(Keys, "k", body: "other");
        _runs.Should().Be(2);
        (await Keys.SweepAsync(Ct)).Should().Be(0);
        _clock.Now = _clock.Now.AddHours(24);
        (await Keys.SweepAsync(Ct)).Should().Be(1);
    }

    [Fact]
    public async Task What_failed_runs_again()
    {
        var keys = Keys;
        await FluentActions.Awaiting(() => keys.RunAsync("shop", "k", Array.Empty<byte>(), _ => throw new IOException("no"), Ct)).Should().ThrowAsync<IOException>();
        (await keys.RunAsync("shop", "k", Array.Empty<byte>(), _ => Task.FromResult(new StoredAnswer(503, [], null)), Ct)).Status.Should().Be(503);
        _vault.Answers.Should().BeEmpty();
        (await RunAsync(keys, "k")).Status.Should().Be(202);
    }

    [Fact]
    public async Task A_sender_that_goes_away_does_not_stop_the_work()
    {
        var (keys, go) = (Keys, new TaskCompletionSource());
        using var gone = new CancellationTokenSource();
        var first = keys.RunAsync("shop", "k", Array.Empty<byte>(), async _ => { await go.Task; return new(202, "done"u8.ToArray(), 7); }, gone.Token);
        var second = keys.RunAsync("shop", "k", Array.Empty<byte>(), _ => throw new InvalidOperationException("runs once"), Ct);
        await gone.CancelAsync();
        first.IsCompleted.Should().BeFalse("its work still reads the body");
        go.SetResult();
        (await first).Position.Should().Be(7);
        (await second).Position.Should().Be(7);
    }

    Task<StoredAnswer> RunAsync(IdempotencyKeys keys, string key, string project = "shop", string body = "body") =>
        keys.RunAsync(project, key, System.Text.Encoding.UTF8.GetBytes(body), _ =>
            Task.FromResult(new StoredAnswer(202, System.Text.Encoding.UTF8.GetBytes($"run {Interlocked.Increment(ref _runs)}"), 1)), Ct);
}
