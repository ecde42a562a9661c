using System.Text;
using Hindcast.Api;
using Hindcast.Api.CommandLine;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Operations;
using Hindcast.Integration.EventLogs;

namespace Hindcast.Integration.Operations;

/// <summary>A log written out, read in, and written out again.</summary>
public sealed class LogArchiveTests : IAsyncLifetime
{
    readonly SqliteLogFixture _from = new(), _to = new();

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await _from.StartAsync();
        await _to.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _from.DisposeAsync();
        await _to.DisposeAsync();
    }

    /// <summary>Streams that take turns, facts in parts, and parts whose fact never came.</summary>
    async Task FillAsync()
    {
        var streams = new Streams(_from.Log, TimeProvider.System);
        for (var i = 0; i < 400; i++) await streams.AppendAsync(Facts.Stream($"{i % 7} ä/"), [Draft(i), Draft(i + 10_000)], Streams.Count, Ct);
        await streams.AppendAsync(Facts.Stream("big"), [Draft(1, 2_000_000)], Streams.Count, Ct);
        await _from.Engine.AppendAsync(Facts.Stream("orphan"), -1, [new(Guid.NewGuid(), "content_part", default, new byte[1000])], Ct);
        await streams.AppendAsync(Facts.Stream("orphan"), [Draft(2, 1_000_000), Draft(3)], Streams.Count, Ct);
    }

    static Draft Draft(int n, int bytes = 10) => new(
        new Header { Type = "span_started", Project = "shop", EventId = EventIds.Of(BitConverter.GetBytes(n)), At = DateTimeOffset.UnixEpoch, Source = new("native", 1, null) },
        new Content(Enumerable.Range(0, bytes).Select(i => (byte)(i * 7)).ToArray(), default));

    static async Task<byte[]> OutAsync(IEventLog log)
    {
        using var archive = new MemoryStream();
        await LogArchive.WriteAsync(log, archive, new Progress<(long, long)>(), Ct);
        return archive.ToArray();
    }

    Task<long> InAsync(byte[] archive, bool resume = false) =>
        new ImportLog(_to.Engine, resume).RunAsync(LogArchive.ReadAsync(new MemoryStream(archive), Ct), new Progress<long>(), Ct);

    [Fact]
    public async Task Out_in_and_out_again_gives_the_same_bytes()
    {
        await FillAsync();
        var archive = await OutAsync(_from.Engine);
        var count = await _from.Engine.CountAsync(LogPosition.Start, Ct);
        (await InAsync(archive)).Should().Be(count);
        (await OutAsync(_to.Engine)).AsSpan().SequenceEqual(archive).Should().BeTrue();

        _to.Engine.Id.Should().NotBe(_from.Engine.Id, "positions of the one mean nothing in the other");
        var report = await new VerifyLog(_to.Log).RunAsync(new Progress<(LogPosition, LogPosition)>(), Ct);
        report.Faults.Should().BeEmpty();
        report.Facts.Should().Be(803);
        (await _to.Log.AllAsync(Facts.Stream("big")))[0].Content.Length.Should().Be(2_000_000);

        var more = await new Streams(_to.Log, TimeProvider.System).AppendAsync(Facts.Stream("big"), [Draft(1, 2_000_000), Draft(9)], Streams.Count, Ct);
        more.Select(o => o.Duplicate).Should().Equal([true, false], "what was known there is known here, and it goes on");
    }

    [Fact]
    public async Task An_empty_log_is_a_log()
    {
        var archive = await OutAsync(_from.Engine);
        Encoding.UTF8.GetString(archive).Should().StartWith("{\"hindcast_log\":1}\n{\"events\":0,");
        (await InAsync(archive)).Should().Be(0);
    }

    [Fact]
    public async Task A_log_that_is_not_empty_is_left_alone_unless_it_is_how_the_archive_begins()
    {
        await FillAsync();
        var archive = await OutAsync(_from.Engine);
        var lines = Encoding.UTF8.GetString(archive).Split('\n');
        var half = Encoding.UTF8.GetBytes(string.Join('\n', lines.Take(300)) + "\n");
        (await FluentActions.Awaiting(() => InAsync(half)).Should().ThrowAsync<BadArchive>()).Which.Message.Should().Contain("ends before its end");
        (await FluentActions.Awaiting(() => InAsync(archive)).Should().ThrowAsync<TargetNotEmpty>()).Which.Message.Should().Contain("--resume");
        await InAsync(archive, resume: true);
        (await OutAsync(_to.Engine)).AsSpan().SequenceEqual(archive).Should().BeTrue();

        await _to.Engine.AppendAsync(Facts.Stream("mine"), -1, [Facts.New()], Ct);
        await FluentActions.Awaiting(() => InAsync(archive, resume: true)).Should().ThrowAsync<TargetNotEmpty>();
    }

    [Theory, InlineData("changed"), InlineData("swapped"), InlineData("left out"), InlineData("behind the end"), InlineData("no archive"), InlineData("newer")]
    public async Task A_damaged_archive_is_told_from_a_whole_one(string how)
    {
        await FillAsync();
        var lines = Encoding.UTF8.GetString(await OutAsync(_from.Engine)).Split('\n').ToList();
        switch (how)
        {
            case "changed": lines[5] = lines[5].Replace("\"content\":\"A", "\"content\":\"B", StringComparison.Ordinal); break;
            case "swapped": (lines[1], lines[3]) = (lines[3], lines[1]); break;
            case "left out": lines.RemoveAt(lines.Count - 4); break;
            case "behind the end": lines.Insert(lines.Count - 1, lines[1]); break;
            case "no archive": lines.Insert(0, "hello"); break;
            case "newer": lines[0] = "{\"hindcast_log\":2}"; break;
        }
        await FluentActions.Awaiting(() => InAsync(Encoding.UTF8.GetBytes(string.Join('\n', lines)))).Should().ThrowAsync<Exception>().Where(e => e is BadArchive || e is StreamMoved);
    }

    [Theory, InlineData("log.jsonl"), InlineData("log.jsonl.gz")]
    public async Task The_command_line_moves_a_store(string name)
    {
        var folder = Directory.CreateTempSubdirectory("hindcast-move-").FullName;
        var (one, two, file) = (Path.Combine(folder, "one"), Path.Combine(folder, "two"), Path.Combine(folder, name));
        (await RunAsync(one, "keys", "create", "--admin")).Code.Should().Be(0);
        (await RunAsync(one, "log", "export", file)).Should().Match<(int Code, string Said)>(r => r.Code == 0 && r.Said.Contains("2 events"));
        (await RunAsync(one, "log", "export", file)).Code.Should().Be(1, "it is there already");
        (await RunAsync(two, "log", "import", file)).Should().Match<(int Code, string Said)>(r => r.Code == 0 && r.Said.Contains("2 facts in 2 streams verify"));
        (await RunAsync(two, "log", "import", file)).Should().Match<(int Code, string Said)>(r => r.Code == 1 && r.Said.Contains("--resume"));
        (await RunAsync(two, "log", "import", file, "--resume")).Code.Should().Be(0);
        (await RunAsync(two, "log", "export", file + ".again.gz")).Code.Should().Be(0);
        (await RunAsync(two, "log", "verify")).Code.Should().Be(0);
        (await RunAsync(two, "log", "import", Path.Combine(folder, "none"))).Code.Should().Be(1);
        Directory.Delete(folder, recursive: true);
    }

    static async Task<(int Code, string Said)> RunAsync(string folder, params string[] args)
    {
        using StringWriter output = new(), error = new();
        var code = await CommandLine.RunAsync([.. args, "--data-directory", folder], Hosting.Build, Hosting.AddHindcast, new Terminal(output, error, forPeople: false));
        return (code, output.ToString() + error);
    }
}
