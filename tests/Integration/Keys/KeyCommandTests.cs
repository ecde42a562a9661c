using System.Text;
using Hindcast.Application;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Projects;
using Hindcast.Domain.Projects;

namespace Hindcast.Integration.Keys;

public sealed class KeyCommandTests : IAsyncLifetime
{
    static readonly Caller Root = FirstStart.Operator("test");

    KeyHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await KeyHost.StartAsync();

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task The_first_start_mints_an_admin_key_and_the_second_does_not()
    {
        var key = _host.FirstKey!.Secret;
        _host.Ring.Find(key)!.May(Scopes.Admin).Should().BeTrue();
        await _host.RestartAsync();
        _host.FirstKey.Should().BeNull();
        _host.Ring.Find(key)!.Project.Should().Be(Project.Default);
    }

    [Fact]
    public async Task Keys_and_what_became_of_them_survive_a_restart()
    {
        var kept = await CreateAsync("shop", "kept");
        var rotated = await CreateAsync("shop", "rotated");
        var revoked = await CreateAsync("shop", "revoked");
        var next = await _host.SendAsync(new RotateKey(Root, rotated.Row.Id, RotateKey.DefaultOverlap));
        await _host.SendAsync(new RevokeKey(Root, revoked.Row.Id));
        var before = await _host.SendAsync(new ListKeys(Root, "shop"));

        await _host.RestartAsync();

        (await _host.SendAsync(new ListKeys(Root, "shop"))).Should().BeEquivalentTo(before, o => o.WithStrictOrdering());
        foreach (var key in (IssuedKey[])[kept, rotated, next]) _host.Ring.Find(key.Secret).Should().NotBeNull();
        _host.Ring.Find(revoked.Secret).Should().BeNull();
    }

    [Fact]
    public async Task A_change_is_a_fact_and_no_fact_and_no_table_holds_a_key()
    {
        var key = await CreateAsync("shop", "one");
        var next = await _host.SendAsync(new RotateKey(Root, key.Row.Id, TimeSpan.Zero));
        _host.Ring.Find(key.Secret).Should().BeNull("there is no overlap");
        await _host.SendAsync(new RevokeKey(Root, next.Row.Id));
        await _host.SendAsync(new RevokeKey(Root, next.Row.Id));

        var facts = await _host.FactsAsync("shop");
        facts.Select(f => f.Header.Type).Should().Equal("key_created", "key_created", "key_rotated", "key_revoked");
        facts.Should().OnlyContain(f => f.Header.Source.Dialect == "native" && f.Header.Project == "shop");

        await _host.Get<IVault>().SaveUseAsync([(next.Row.Id, next.Row.Created)], TestContext.Current.CancellationToken);
        foreach (var file in Directory.EnumerateFiles(_host.Folder))
        {
            var bytes = await ReadAsync(file);
            foreach (var secret in (string[])[key.Secret, next.Secret, _host.FirstKey!.Secret])
            {
                bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(secret)).Should().Be(-1, Path.GetFileName(file));
                bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(secret[6..38])).Should().Be(-1, Path.GetFileName(file));
            }
        }
    }

    [Fact]
    public async Task A_project_comes_to_be_with_its_first_key()
    {
        await CreateAsync("shop", "one");
        await CreateAsync("shop", "two");
        var ct = TestContext.Current.CancellationToken;
        var facts = await _host.Get<Streams>().ReadAsync(StreamName.Of("projects", "shop", "self"), 0, ct).ToListAsync(ct);
        facts.Should().ContainSingle().Which.Header.Type.Should().Be("project_created");
    }

    [Fact]
    public async Task An_admin_manages_its_own_project_and_others_look_like_none()
    {
        var mine = await CreateAsync("mine", "m");
        var theirs = await CreateAsync("theirs", "t");
        var admin = new Caller("mine", "key_x", Scopes.Admin, "development");

        (await _host.SendAsync(new ListKeys(admin))).Should().ContainSingle().Which.Row.Id.Should().Be(mine.Row.Id);
        await FluentActions.Awaiting(() => _host.SendAsync(new ListKeys(admin, "theirs"))).Should().ThrowAsync<NotFound>();
        await FluentActions.Awaiting(() => _host.SendAsync(new CreateKey(admin) { Project = "theirs" })).Should().ThrowAsync<NotFound>();
        var foreign = await FluentActions.Awaiting(() => _host.SendAsync(new RevokeKey(admin, theirs.Row.Id))).Should().ThrowAsync<NotFound>();
        var absent = await FluentActions.Awaiting(() => _host.SendAsync(new RevokeKey(admin, "key_none"))).Should().ThrowAsync<NotFound>();
        foreign.Which.Message.Replace(theirs.Row.Id, "key_none", StringComparison.Ordinal).Should().Be(absent.Which.Message);
        await FluentActions.Awaiting(() => _host.SendAsync(new RotateKey(admin, theirs.Row.Id, TimeSpan.Zero))).Should().ThrowAsync<NotFound>();
        _host.Ring.Find(theirs.Secret).Should().NotBeNull();
    }

    [Fact]
    public async Task A_key_is_rotated_once_and_a_revoked_one_never()
    {
        var key = await CreateAsync("shop", "one");
        var next = await _host.SendAsync(new RotateKey(Root, key.Row.Id, RotateKey.DefaultOverlap));
        await FluentActions.Awaiting(() => _host.SendAsync(new RotateKey(Root, key.Row.Id, RotateKey.DefaultOverlap))).Should().ThrowAsync<KeyIsRotated>();
        await _host.SendAsync(new RevokeKey(Root, next.Row.Id));
        await FluentActions.Awaiting(() => _host.SendAsync(new RotateKey(Root, next.Row.Id, RotateKey.DefaultOverlap))).Should().ThrowAsync<KeyIsRevoked>();
    }

    [Fact]
    public async Task Rotating_and_revoking_at_once_never_leaves_a_revoked_key_working()
    {
        for (var i = 0; i < 20; i++)
        {
            var key = await CreateAsync("shop", $"race {i}");
            var rotate = Task.Run(() => _host.SendAsync(new RotateKey(Root, key.Row.Id, RotateKey.DefaultOverlap)));
            var revoke = Task.Run(() => _host.SendAsync(new RevokeKey(Root, key.Row.Id)));
            await revoke;
            await Task.WhenAny(rotate);
            _host.Ring.Find(key.Secret).Should().BeNull();
            (await _host.Get<IVault>().KeysAsync(TestContext.Current.CancellationToken)).Single(k => k.Id == key.Row.Id).Revoked.Should().NotBeNull();
        }
    }

    [Fact]
    public async Task What_has_no_meaning_is_refused_by_the_name_of_its_field()
    {
        foreach (var (field, command) in new (string, CreateKey)[]
        {
            ("project_id", new(Root) { Project = "Shop" }),
            ("project_id", new(Root) { Project = new string('p', 65) }),
            ("name", new(Root) { Name = new string('n', 256) }),
            ("name", new(Root) { Name = "a\r\nb" }),
            ("scopes", new(Root) { Scopes = Scopes.None }),
            ("environment", new(Root) { Environment = "" }),
            ("plan", new(Root) { Plan = "gold" }),
            ("monthly_quota", new(Root) { MonthlyQuota = -1 }),
            ("expires_at", new(Root) { Expires = DateTimeOffset.UnixEpoch }),
            ("prefix", new(Root) { Prefix = "HC" }),
        })
            (await FluentActions.Awaiting(() => _host.SendAsync(command)).Should().ThrowAsync<BadRequest>()).Which.Field.Should().Be(field);
        (await _host.SendAsync(new ListKeys(Root))).Should().ContainSingle("only the first key is there");
    }

    Task<IssuedKey> CreateAsync(string project, string name) => _host.SendAsync(new CreateKey(Root) { Project = project, Name = name });

    /// <summary>SQLite keeps its files open.</summary>
    static async Task<byte[]> ReadAsync(string file)
    {
        await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var bytes = new MemoryStream();
        await stream.CopyToAsync(bytes, TestContext.Current.CancellationToken);
        return bytes.ToArray();
    }
}
