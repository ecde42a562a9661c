using Hindcast.Application.EventSourcing;
using Hindcast.Infrastructure.EventLogs.Sqlite;
using Hindcast.Infrastructure.Sqlite;

namespace Hindcast.Integration.EventLogs;

/// <summary>What only the embedded engine promises: what it does to its file, and what a damaged file does to it.</summary>
public sealed class SqliteEventLogTests : IAsyncLifetime
{
    readonly SqliteLogFixture _fixture = new();

    SqliteEventLog Log => _fixture.Sqlite;
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => await _fixture.StartAsync();

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public void F2_the_writer_syncs_every_commit()
    {
        using var database = LogFile.OpenForWriting(_fixture.File, again: false);
        database.Long("PRAGMA synchronous").Should().Be(2, "NORMAL loses acknowledged events when the power goes");
        database.Text("PRAGMA journal_mode").Should().Be("wal");
    }

    [Fact]
    public async Task Appends_that_arrive_together_share_transactions()
    {
        await Log.AppendAsync(Facts.Stream("first"), -1, [Facts.New()], Ct);
        var before = Log.Commits;
        await Task.WhenAll(Enumerable.Range(0, 500).Select(i => Log.AppendAsync(Facts.Stream($"{i}"), -1, [Facts.New()], Ct)));
        (Log.Commits - before).Should().BeLessThan(250);
    }

    [Fact]
    public async Task F3_a_flipped_bit_anywhere_in_the_file_is_never_served()
    {
        var written = new Dictionary<Guid, LogEvent>();
        for (var i = 0; i < 40; i++)
        {
            var events = Enumerable.Range(0, 5).Select(n => Facts.New(new string((char)('a' + n), 700))).ToArray();
            foreach (var added in events) written.Add(added.Id, added);
            await Log.AppendAsync(Facts.Stream($"{i}"), -1, events, Ct);
        }
        await _fixture.StopAsync();
        var bytes = await File.ReadAllBytesAsync(_fixture.File, Ct);
        var (random, detected, harmless) = (new Random(17), 0, 0);
        for (var flip = 0; flip < 200; flip++)
        {
            var at = random.Next(100, bytes.Length);
            var mask = (byte)(1 << random.Next(8));
            bytes[at] ^= mask;
            await File.WriteAllBytesAsync(_fixture.File, bytes, Ct);
            try
            {
                await _fixture.StartAsync();
                var read = await Log.ToHeadAsync();
                foreach (var record in read) record.ShouldBe(written[record.Id]);
                read.Should().HaveCount(200);
                harmless++;
            }
            catch (Exception failure) when (failure is LogDamaged or NotALog)
            {
                detected++;
            }
            await _fixture.StopAsync();
            bytes[at] ^= mask;
        }
        detected.Should().BeGreaterThan(100, "most of the file is payload; the rest is indexes and free space, which a full reading does not need");
        TestContext.Current.SendDiagnosticMessage("{0} detected, {1} without effect", detected, harmless);
    }

    [Theory, InlineData("type"), InlineData("header"), InlineData("content"), InlineData("event_id"), InlineData("revision"), InlineData("stream"), InlineData("name")]
    public async Task F3_an_altered_value_is_detected_and_its_position_named(string column)
    {
        for (var i = 0; i < 3; i++) await Log.AppendAsync(Facts.Stream($"{i}"), -1, [Facts.New()], Ct);
        await _fixture.StopAsync();
        using (var database = Database.Open(_fixture.File, OpenAs.ReadWrite))
            database.Exec(column switch
            {
                "name" => "UPDATE streams SET name = 'trace-shop/x' WHERE id = 2",
                "event_id" => "UPDATE events SET event_id = randomblob(16) WHERE position = 2",
                "revision" or "stream" => $"UPDATE events SET {column} = {column} + 7 WHERE position = 2",
                _ => $"UPDATE events SET {column} = 'altered' WHERE position = 2",
            });
        await _fixture.StartAsync();

        var seen = new List<LogRecord>();
        var follow = async () =>
        {
            await foreach (var page in Log.FollowAsync(LogPosition.Start, Ct))
            {
                seen.AddRange(page.Records);
                if (page.AtHead) break;
            }
        };
        (await follow.Should().ThrowAsync<LogDamaged>()).WithMessage("*position 2*");
        seen.Should().BeEmpty();
    }

    [Fact]
    public async Task F3_a_lost_event_is_detected_and_its_position_named()
    {
        await Log.AppendAsync(Facts.Stream(), -1, Facts.Many(5), Ct);
        await _fixture.StopAsync();
        using (var database = Database.Open(_fixture.File, OpenAs.ReadWrite)) database.Exec("DELETE FROM events WHERE position = 3");
        await _fixture.StartAsync();
        await Log.Invoking(log => log.ToHeadAsync()).Should().ThrowAsync<LogDamaged>().WithMessage("*position 3*");
        await Log.Invoking(log => log.AllAsync(Facts.Stream())).Should().ThrowAsync<LogDamaged>();
        await Log.Invoking(log => log.TailAsync(Facts.Stream(), 5, Ct)).Should().ThrowAsync<LogDamaged>();
    }

    [Fact]
    public async Task F3_a_file_cut_short_at_any_place_is_refused_or_named()
    {
        for (var i = 0; i < 100; i++) await Log.AppendAsync(Facts.Stream($"{i}"), -1, [Facts.New(new string('x', 2_000))], Ct);
        await _fixture.StopAsync();
        var bytes = await File.ReadAllBytesAsync(_fixture.File, Ct);
        for (var cut = 0; cut < bytes.Length; cut += bytes.Length / 40)
        {
            await File.WriteAllBytesAsync(_fixture.File, bytes[..cut], Ct);
            await _fixture.Invoking(fixture => fixture.StartAsync()).Should().ThrowAsync<NotALog>($"{cut} bytes of {bytes.Length} are no log");
        }
    }

    [Theory, InlineData("garbage"), InlineData("foreign"), InlineData("newer"), InlineData("missing")]
    public async Task F3_what_is_no_log_of_this_release_is_refused_with_the_reason(string what)
    {
        await _fixture.StopAsync();
        File.Delete(_fixture.File);
        if (what == "garbage") await File.WriteAllBytesAsync(_fixture.File, System.Security.Cryptography.RandomNumberGenerator.GetBytes(50_000), Ct);
        if (what == "missing") await File.WriteAllBytesAsync(_fixture.File + "-wal", new byte[5_000], Ct);
        if (what == "foreign")
        {
            using var other = Database.Open(_fixture.File, OpenAs.Create);
            other.Exec("CREATE TABLE events(position INTEGER PRIMARY KEY)");
        }
        if (what == "newer")
        {
            await _fixture.StartAsync();
            await _fixture.StopAsync();
            using var log = Database.Open(_fixture.File, OpenAs.ReadWrite);
            log.Exec("UPDATE meta SET value = 2 WHERE name = 'schema_version'");
        }
        var reason = what switch { "garbage" => "*no SQLite file*", "foreign" => "*another program*", "newer" => "*newer release*", _ => "*missing*" };
        await _fixture.Invoking(fixture => fixture.StartAsync()).Should().ThrowAsync<NotALog>().WithMessage(reason);
    }

    [Fact]
    public async Task F13_a_full_disk_refuses_everyone_in_the_group_and_nothing_is_half_written()
    {
        await Log.AppendAsync(Facts.Stream("before"), -1, [Facts.New()], Ct);
        Log.PageLimit = 40;
        var events = Enumerable.Range(0, 50).Select(_ => Facts.New(new string('x', 20_000))).ToArray();
        var outcomes = await Task.WhenAll(events.Select(async (added, i) =>
        {
            try
            {
                await Log.AppendAsync(Facts.Stream($"{i}"), -1, [added], Ct);
                return null;
            }
            catch (LogUnavailable refusal)
            {
                return refusal;
            }
        }));
        outcomes.Should().Contain(refusal => refusal != null && refusal.RetryAfter == TimeSpan.FromSeconds(60));
        var acknowledged = events.Where((_, i) => outcomes[i] is null).Select(added => added.Id).ToHashSet();
        (await Log.ToHeadAsync()).Skip(1).Select(record => record.Id).Should().BeEquivalentTo(acknowledged, "reads go on, and what was refused is not there");

        Log.PageLimit = null;
        await Task.Delay(300, Ct);
        for (var i = 0; i < events.Length; i++)
            (await Log.AppendAsync(Facts.Stream($"{i}"), -1, [events[i]], Ct)).Places[0].Known.Should().Be(acknowledged.Contains(events[i].Id));
        (await Log.ToHeadAsync()).Should().HaveCount(51);
    }

    [Fact]
    public async Task F14_after_a_failure_the_heads_come_from_disk_and_not_from_memory()
    {
        await Log.AppendAsync(Facts.Stream(), -1, [Facts.New()], Ct);
        Log.PageLimit = 10;
        var pipelined = Enumerable.Range(0, 20).Select(i => Log.AppendAsync(Facts.Stream(), i, [Facts.New(new string('x', 50_000))], Ct)).ToArray();
        await Task.WhenAll(pipelined).ContinueWith(_ => { }, Ct, TaskContinuationOptions.None, TaskScheduler.Default);
        var last = pipelined.TakeWhile(append => append.IsCompletedSuccessfully).Count();
        pipelined.Skip(last).Should().OnlyContain(append => append.IsFaulted, "nothing may be written behind what was not");

        Log.PageLimit = null;
        await Task.Delay(300, Ct);
        (await Log.AppendAsync(Facts.Stream(), last, [Facts.New()], Ct)).Places[0].Revision.Should().Be(last + 1);
    }

    [Fact]
    public async Task F14_a_commit_that_fails_is_answered_to_nobody_and_leaves_nothing()
    {
        await Log.AppendAsync(Facts.Stream(), -1, [Facts.New()], Ct);
        Log.AtCommit = () => throw new SqliteFailure(1034, "fsync failed");
        var (fresh, next) = (Facts.New(), Facts.New());
        Task<Appended>[] appends =
        [
            Log.AppendAsync(Facts.Stream(), 0, [fresh], Ct), Log.AppendAsync(Facts.Stream(), 1, [next], Ct), Log.AppendAsync(Facts.Stream("2"), -1, [fresh], Ct),
        ];
        foreach (var append in appends)
            (await append.Invoking(it => it).Should().ThrowAsync<LogUnavailable>()).Which.RetryAfter.Should().Be(TimeSpan.FromSeconds(5));
        (await Log.ToHeadAsync()).Should().HaveCount(1);

        Log.AtCommit = null;
        (await Log.AppendAsync(Facts.Stream(), 0, [fresh, next], Ct)).Places.Select(place => (place.Revision, place.Known)).Should().Equal((1, false), (2, false));
        (await Log.AppendAsync(Facts.Stream("2"), -1, [fresh], Ct)).Places[0].Position.Value.Should().Be(4, "positions of what failed are given again");
    }

    [Fact]
    public async Task P7_no_answer_and_no_reader_runs_ahead_of_the_commit()
    {
        using var disk = new ManualResetEventSlim();
        using var reached = new ManualResetEventSlim();
        Log.AtCommit = () =>
        {
            reached.Set();
            disk.Wait(TimeSpan.FromSeconds(20));
        };
        var events = Facts.Many(1);
        var append = Log.AppendAsync(Facts.Stream(), -1, events, Ct);
        reached.Wait(TimeSpan.FromSeconds(20), Ct).Should().BeTrue();
        var (again, stale) = (Log.AppendAsync(Facts.Stream(), -1, events, Ct), Log.AppendAsync(Facts.Stream(), -1, Facts.Many(1), Ct));
        await Task.Delay(100, Ct);
        (append.IsCompleted, again.IsCompleted, stale.IsCompleted).Should().Be((false, false, false));
        (await Log.HeadAsync(Ct)).Should().Be(LogPosition.Start);

        disk.Set();
        (await append).Places[0].Known.Should().BeFalse();
        (await again).Places[0].Known.Should().BeTrue();
        await stale.Invoking(it => it).Should().ThrowAsync<StreamMoved>();
    }

    [Fact]
    public async Task F10_the_queue_is_bounded_in_bytes()
    {
        var big = new byte[4 << 20];
        var appends = Enumerable.Range(0, 40).Select(i => Log.AppendAsync(Facts.Stream($"{i}"), -1, [new(Guid.NewGuid(), "big", default, big)], Ct)).ToArray();
        await Task.WhenAll(appends).ContinueWith(_ => { }, Ct, TaskContinuationOptions.None, TaskScheduler.Default);
        appends.Count(append => append.IsCompletedSuccessfully).Should().BeGreaterThanOrEqualTo(15);
        appends.Where(append => append.IsFaulted).Should().NotBeEmpty()
            .And.OnlyContain(append => append.Exception!.InnerException is LogUnavailable && ((LogUnavailable)append.Exception.InnerException).RetryAfter > TimeSpan.Zero);
        (await Log.ToHeadAsync()).Should().HaveCount(appends.Count(append => append.IsCompletedSuccessfully));
    }

    [Fact]
    public async Task Closing_writes_what_was_accepted_and_leaves_one_file()
    {
        var appends = Enumerable.Range(0, 100).Select(i => Log.AppendAsync(Facts.Stream($"{i}"), -1, [Facts.New()], Ct)).ToArray();
        await _fixture.StopAsync();
        await Task.WhenAll(appends);
        Directory.GetFiles(Path.GetDirectoryName(_fixture.File)!).Should().Equal(_fixture.File);
    }
}
