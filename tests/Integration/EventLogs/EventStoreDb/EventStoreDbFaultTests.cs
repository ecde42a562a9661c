using Hindcast.Application.EventSourcing;
using Hindcast.Infrastructure.EventLogs.EventStoreDb;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hindcast.Integration.EventLogs.EventStoreDb;

/// <summary>What the engine does when its server, the way to it or another node of ours does what they do on bad days.</summary>
public sealed class EventStoreDbFaultTests : IAsyncLifetime
{
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    FakeEventStore _server = null!;
    EventStoreDbEventLog _log = null!;

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _server = await FakeEventStore.StartAsync();
        _log = Open();
        // Its id is made: faults from here on meet what the test does.
        await _log.HeadAsync(Ct);
    }

    public async ValueTask DisposeAsync()
    {
        _server.Faults.Frozen = false;
        await _log.DisposeAsync();
        await _server.DisposeAsync();
    }

    EventStoreDbEventLog Open(string? connectionString = null) =>
        EventStoreDbEventLog.Open(connectionString ?? _server.ConnectionString, null, null, TimeProvider.System, NullLogger.Instance);

    [Fact]
    public async Task What_was_made_to_follow_a_refused_append_is_refused_even_where_it_would_fit()
    {
        await using var other = Open();
        await _log.AppendAsync(Facts.Stream(), -1, Facts.Many(1), Ct);
        await other.AppendAsync(Facts.Stream(), 0, Facts.Many(1), Ct);

        // The stream ends at 1. The first is refused, and the second would find exactly what it expects: somebody else's event.
        var appends = Enumerable.Range(0, 3).Select(i => _log.AppendAsync(Facts.Stream(), i, Facts.Many(1), Ct)).ToArray();
        foreach (var append in appends) await append.Invoking(task => task).Should().ThrowAsync<StreamMoved>();
        var late = () => _log.AppendAsync(Facts.Stream(), 1, Facts.Many(1), Ct);
        await late.Should().ThrowAsync<StreamMoved>("its maker has not read the tail since");

        await _log.TailAsync(Facts.Stream(), 1, Ct);
        (await _log.AppendAsync(Facts.Stream(), 1, Facts.Many(1), Ct)).Places[0].Revision.Should().Be(2);
    }

    [Fact]
    public async Task Another_nodes_fact_under_the_same_id_is_not_taken_for_our_own()
    {
        await using var other = Open();
        var ours = Facts.New();
        var theirs = ours with { Header = """{"recorded_at":"by the other node"}"""u8.ToArray() };
        (await other.AppendAsync(Facts.Stream(), -1, [theirs], Ct)).Places[0].Known.Should().BeFalse();
        (await _log.AppendAsync(Facts.Stream(), -1, [ours], Ct)).Places[0].Known.Should().BeTrue("its bytes are not what stands there");
        (await _log.AllAsync(Facts.Stream())).Should().ContainSingle().Which.ShouldBe(theirs);
    }

    [Fact]
    public async Task A_known_id_at_a_newer_revision_is_not_written_again_by_a_node_that_never_saw_the_stream()
    {
        var known = Facts.Many(700);
        await _log.AppendAsync(Facts.Stream(), -1, known, Ct);
        await using var cold = Open();
        var places = (await cold.AppendAsync(Facts.Stream(), 699, [known[0], Facts.New(), known[699]], Ct)).Places;
        places.Select(place => (place.Revision, place.Known)).Should().Equal((0, true), (700, false), (699, true));
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task A_call_that_ends_with_an_unknown_fate_is_made_again_and_leaves_one_copy(bool stored)
    {
        await _log.AppendAsync(Facts.Stream("before"), -1, Facts.Many(1), Ct);
        if (stored) _server.Faults.CutAfterStoring = 3;
        else _server.Faults.CutBeforeStoring = 3;
        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => _log.AppendAsync(Facts.Stream($"{i}"), -1, Facts.Many(2), Ct)));
        answers.Should().OnlyContain(answer => answer.Places.All(place => !place.Known));
        (await _log.ToHeadAsync()).Should().HaveCount(101).And.OnlyHaveUniqueItems(record => record.Id);
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task A_timeout_and_a_busy_server_are_failures_and_are_tried_again(bool busy)
    {
        if (busy) _server.Faults.Busy = 2;
        else _server.Faults.TimeOutAfterStoring = 2;
        (await _log.AppendAsync(Facts.Stream(), -1, Facts.Many(3), Ct)).Places.Select(place => place.Revision).Should().Equal(0, 1, 2);
        (await _log.ToHeadAsync()).Should().HaveCount(3);
    }

    [Fact]
    public async Task A_follower_names_the_leader_and_the_leader_is_used()
    {
        await using var leader = await FakeEventStore.StartAsync(_server.Store);
        _server.Faults.Leader = leader.Address;
        await _log.AppendAsync(Facts.Stream(), -1, Facts.Many(2), Ct);
        (await _log.ToHeadAsync()).Should().HaveCount(2);
        leader.Appends.Should().Be(1);
    }

    [Fact]
    public async Task A_cluster_is_discovered_and_its_next_leader_when_the_first_dies()
    {
        var first = await FakeEventStore.StartAsync(_server.Store);
        _server.Members.Clear();
        _server.Members.AddRange([(_server.Address, 6), (first.Address, 8)]);
        _server.Faults.Leader = first.Address;
        await using var log = Open($"esdb://{_server.Address.Authority},127.0.0.1:1?tls=false&discoveryInterval=10");
        await using var pages = log.FollowAsync(LogPosition.Start, Ct).GetAsyncEnumerator(Ct);
        await log.AppendAsync(Facts.Stream(), -1, Facts.Many(1), Ct);
        first.Appends.Should().BeGreaterThan(0);

        _server.Members.Clear();
        _server.Members.Add((_server.Address, 8));
        _server.Faults.Leader = null;
        await first.DisposeAsync();
        var appended = await log.AppendAsync(Facts.Stream(), 0, Facts.Many(1), Ct);
        appended.Places[0].Revision.Should().Be(1);
        (await FollowedAsync(pages, 2)).Select(record => record.Revision).Should().Equal(0, 1);
    }

    [Fact]
    public async Task A_consumer_that_is_cut_off_for_being_slow_goes_on_where_it_was()
    {
        await using var pages = _log.FollowAsync(LogPosition.Start, Ct).GetAsyncEnumerator(Ct);
        await pages.MoveNextAsync();
        _server.Faults.TooSlow = 5;
        var writing = Task.Run(async () =>
        {
            for (var i = 0; i < 60; i++) await _log.AppendAsync(Facts.Stream(), (i * 5) - 1, Facts.Many(5), Ct);
        }, Ct);
        var read = await FollowedAsync(pages, 300);
        await writing;
        read.Select(record => record.Revision).Should().Equal(Enumerable.Range(0, 300).Select(i => (long)i));
        _server.Subscriptions.Should().BeGreaterThan(5);
    }

    [Fact]
    public async Task A_reading_that_is_cut_off_goes_on_behind_what_was_given()
    {
        var events = Facts.Many(500);
        await _log.AppendAsync(Facts.Stream(), -1, events, Ct);
        _server.Faults.CutReadingAfter = 200;
        (await _log.AllAsync(Facts.Stream())).Select(record => record.Id).Should().Equal(events.Select(added => added.Id));
        _server.Faults.CutReadingAfter = 200;
        (await _log.CountAsync(LogPosition.Start, Ct)).Should().Be(500);
    }

    [Fact]
    public async Task F10_a_frozen_server_is_answered_for_and_a_retry_leaves_one_copy()
    {
        await using var pages = _log.FollowAsync(LogPosition.Start, Ct).GetAsyncEnumerator(Ct);
        await pages.MoveNextAsync();
        await _log.AppendAsync(Facts.Stream("warm"), -1, Facts.Many(1), Ct);
        _server.Faults.Frozen = true;
        var events = Enumerable.Range(0, 20).Select(_ => Facts.New()).ToArray();
        var appends = events.Select((added, i) => _log.AppendAsync(Facts.Stream($"{i}"), -1, [added], Ct)).ToArray();
        var second = _log.AppendAsync(Facts.Stream("0"), 0, Facts.Many(1), Ct);
        foreach (var append in appends.Append(second))
            (await append.Invoking(task => task.WaitAsync(s_patience, Ct)).Should().ThrowAsync<LogUnavailable>()).Which.RetryAfter.Should().BePositive();
        await _log.Invoking(log => log.TailAsync(Facts.Stream("0"), 1, Ct).WaitAsync(s_patience, Ct)).Should().ThrowAsync<LogUnavailable>();
        await _log.Invoking(log => log.AllAsync(Facts.Stream("0")).WaitAsync(s_patience, Ct)).Should().ThrowAsync<LogUnavailable>();

        _server.Faults.Frozen = false;
        for (var i = 0; i < events.Length; i++) (await AppendUntilThereAsync(Facts.Stream($"{i}"), [events[i]])).Places[0].Revision.Should().Be(0);
        (await FollowedAsync(pages, 21)).Should().OnlyHaveUniqueItems(record => record.Id);
    }

    [Fact]
    public async Task F10_a_server_that_is_away_is_waited_for_and_found_again()
    {
        await using var pages = _log.FollowAsync(LogPosition.Start, Ct).GetAsyncEnumerator(Ct);
        await _log.AppendAsync(Facts.Stream(), -1, Facts.Many(1), Ct);
        var (store, port) = (_server.Store, _server.Address.Port);
        await _server.DisposeAsync();
        var added = Facts.New();
        await _log.Invoking(log => log.AppendAsync(Facts.Stream(), 0, [added], Ct).WaitAsync(s_patience, Ct)).Should().ThrowAsync<LogUnavailable>();

        _server = await FakeEventStore.StartAsync(store, port);
        (await AppendUntilThereAsync(Facts.Stream(), [added], expected: 0)).Places[0].Revision.Should().Be(1);
        (await FollowedAsync(pages, 2)).Select(record => record.Revision).Should().Equal(0, 1);
    }

    [Fact]
    public async Task A_log_is_opened_while_its_server_is_away_and_remembers_what_it_is()
    {
        var file = Path.GetTempFileName();
        EventStoreDbEventLog Remembering() => EventStoreDbEventLog.Open(_server.ConnectionString, null, file, TimeProvider.System, NullLogger.Instance);
        var id = _log.Id;
        await using (var first = Remembering())
        {
            first.Id.Should().Be(id, "whoever is first makes it, and the others find it");
            await first.HeadAsync(Ct);
        }
        var (store, port) = (_server.Store, _server.Address.Port);
        await _server.DisposeAsync();
        await using var log = Remembering();
        log.Id.Should().Be(id);
        await using (var stranger = Open()) stranger.Invoking(it => it.Id).Should().Throw<LogUnavailable>();

        // Another server in its place: what was built from the first log must not go on with this one.
        _server = await FakeEventStore.StartAsync(port: port);
        await log.Invoking(it => it.AppendAsync(Facts.Stream(), -1, Facts.Many(1), Ct)).Should().ThrowAsync<LogUnavailable>().WithMessage("*another log*");
        await _server.DisposeAsync();
        _server = await FakeEventStore.StartAsync(store, port);
        File.Delete(file);
    }

    [Theory, InlineData(""), InlineData("admin:wrong@")]
    public async Task A_login_that_is_refused_is_said_at_once(string login)
    {
        await using var secured = await FakeEventStore.StartAsync(login: ("admin", "changeit"));
        await using var log = Open($"esdb://{login}{secured.Address.Authority}?tls=false");
        (await log.Invoking(it => it.AppendAsync(Facts.Stream(), -1, Facts.Many(1), Ct)).Should().ThrowAsync<LogUnavailable>())
            .WithMessage($"The log server refuses: {(login.Length == 0 ? "PermissionDenied" : "Unauthenticated")}*");
    }

    [Fact]
    public async Task A_server_with_a_certificate_of_our_own_authority_and_a_login_is_used_and_one_of_another_is_not()
    {
        var folder = Directory.CreateTempSubdirectory("hindcast-ca-").FullName;
        using var ca = Certificates.Authority("Tests");
        using var other = Certificates.Authority("Others");
        var (caFile, otherFile) = (Path.Combine(folder, "ca.crt"), Path.Combine(folder, "other.crt"));
        await File.WriteAllTextAsync(caFile, ca.ExportCertificatePem(), Ct);
        await File.WriteAllTextAsync(otherFile, other.ExportCertificatePem(), Ct);
        using var certificate = Certificates.Of(ca, "localhost");
        await using var secured = await FakeEventStore.StartAsync(certificate: certificate, login: ("admin", "change it"));
        var address = $"esdb://admin:change%20it@localhost:{secured.Address.Port}?tlsCaFile=";
        await using (var log = Open(address + caFile))
        {
            await log.AppendAsync(Facts.Stream(), -1, Facts.Many(2), Ct);
            (await log.ToHeadAsync()).Should().HaveCount(2);
        }
        await using (var trusting = Open(address.Replace("tlsCaFile=", "tlsVerifyCert=false", StringComparison.Ordinal)))
            (await trusting.ToHeadAsync()).Should().HaveCount(2);
        await using (var wary = Open(address + otherFile))
            (await wary.Invoking(it => it.HeadAsync(Ct)).Should().ThrowAsync<LogUnavailable>()).WithMessage("*certificate*");
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task A_server_that_is_too_old_is_named()
    {
        await using var old = await FakeEventStore.StartAsync();
        old.Version = "22.10.5";
        await using var log = Open(old.ConnectionString);
        (await log.Invoking(it => it.HeadAsync(Ct)).Should().ThrowAsync<LogUnavailable>()).WithMessage("The log server refuses: *22.10.5*23.10*");
    }

    [Fact]
    public async Task What_is_not_ours_is_passed_over_and_does_not_hold_us_back()
    {
        await _log.AppendAsync(Facts.Stream(), -1, Facts.Many(1), Ct);
        for (var i = 0; i < 500; i++) _server.Store.System(i % 2 == 0 ? "$stats-0" : "order-1");
        await using var pages = _log.FollowAsync(LogPosition.Start, Ct).GetAsyncEnumerator(Ct);
        var first = (await FollowedAsync(pages, 1))[0];
        (await _log.HeadAsync(Ct)).Should().Be(first.Position);
        (await _log.CountAsync(LogPosition.Start, Ct)).Should().Be(1);

        // Cut off behind a checkpoint: it goes on from there, with both of its numbers.
        _server.Faults.TooSlow = 1;
        await _log.AppendAsync(Facts.Stream(), 0, Facts.Many(1), Ct);
        (await FollowedAsync(pages, 1))[0].Revision.Should().Be(1);
    }

    [Fact]
    public async Task What_stands_behind_a_position_is_counted()
    {
        var places = new List<LogPosition>();
        for (var i = 0; i < 25; i++) places.AddRange((await _log.AppendAsync(Facts.Stream($"{i}"), -1, Facts.Many(100), Ct)).Places.Select(place => place.Position));
        foreach (var after in new[] { 1_500, 2_499, 0, 999, 1_000, 1_001, 2_498 })
            (await _log.CountAsync(places[after], Ct)).Should().Be(2_499 - after);
        (await _log.CountAsync(LogPosition.Start, Ct)).Should().Be(2_500);
        await _log.AppendAsync(Facts.Stream("more"), -1, Facts.Many(7), Ct);
        (await _log.CountAsync(places[2_400], Ct)).Should().Be(106);
    }

    [Theory, InlineData("data"), InlineData("header"), InlineData("type"), InlineData("revision")]
    public async Task P8_what_was_altered_is_named_and_not_served(string what)
    {
        var place = (await _log.AppendAsync(Facts.Stream(), -1, Facts.Many(1), Ct)).Places[0];
        _server.Store.Alter(stored => !stored.Stream.Contains('/') ? stored : what switch
        {
            "data" => stored with { Data = [.. stored.Data.Reverse()] },
            "header" => stored with { CustomMetadata = [.. stored.CustomMetadata[..^3], (byte)'x', (byte)'"', (byte)'}'] },
            "type" => stored with { Metadata = new Dictionary<string, string>(stored.Metadata) { ["type"] = "other" } },
            _ => stored with { Revision = 1 },
        });
        await _log.Invoking(log => log.ToHeadAsync()).Should().ThrowAsync<LogDamaged>().WithMessage($"*position {place.Position}*");
        await _log.Invoking(log => log.AllAsync(Facts.Stream())).Should().ThrowAsync<LogDamaged>();
    }

    [Fact]
    public async Task A_position_of_another_log_is_refused_and_not_waited_on_for_ever()
    {
        await _log.AppendAsync(Facts.Stream(), -1, Facts.Many(1), Ct);
        await _log.Invoking(log => log.ToHeadAsync(new(17)).WaitAsync(s_patience, Ct)).Should().ThrowAsync<LogUnavailable>().WithMessage("*position 17*");
    }

    [Fact]
    public async Task A_stream_that_was_deleted_for_good_is_no_empty_stream()
    {
        await _log.AppendAsync(Facts.Stream(), -1, Facts.Many(1), Ct);
        _server.Store.Tombstone(Facts.Stream().Value);
        await _log.Invoking(log => log.AllAsync(Facts.Stream())).Should().ThrowAsync<LogDamaged>();
        await _log.Invoking(log => log.AppendAsync(Facts.Stream(), 0, Facts.Many(1), Ct)).Should().ThrowAsync<LogDamaged>();
    }

    async Task<Appended> AppendUntilThereAsync(StreamName stream, LogEvent[] events, long expected = -1)
    {
        while (true)
        {
            try
            {
                return await _log.AppendAsync(stream, expected, events, Ct);
            }
            catch (LogUnavailable)
            {
                await Task.Delay(100, Ct);
            }
        }
    }

    static async Task<List<LogRecord>> FollowedAsync(IAsyncEnumerator<LogPage> pages, int count)
    {
        var records = new List<LogRecord>();
        while (records.Count < count && await pages.MoveNextAsync().AsTask().WaitAsync(s_patience, Ct)) records.AddRange(pages.Current.Records);
        return records;
    }
}
