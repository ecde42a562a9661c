using Hindcast.Application.Projects;
using Hindcast.Domain.Projects;

namespace Hindcast.Unit.Projects;

public sealed class KeyRingTests
{
    const string SetKey = "a key that was set by hand";

    readonly ManualClock _clock = new();
    readonly KeyRing _ring;

    public KeyRingTests() => _ring = new(_clock, setKey: null);

    [Fact]
    public void A_key_finds_its_caller()
    {
        var (key, row) = Add();
        _ring.Find(key).Should().Be(new Caller("shop", row.Id, Scopes.Ingest, "staging") { Plan = Plans.Free });
        _ring.Find(ApiKey.Mint("hc")).Should().BeNull("nobody holds it");
    }

    [Fact]
    public void A_key_ends_when_it_expires()
    {
        var (key, _) = Add(row => row with { Expires = _clock.Now.AddHours(1) });
        _clock.Now = _clock.Now.AddHours(1).AddTicks(-1);
        _ring.Find(key).Should().NotBeNull();
        _clock.Now = _clock.Now.AddTicks(1);
        _ring.Find(key).Should().BeNull();
    }

    [Fact]
    public void A_rotated_key_works_until_its_overlap_ends()
    {
        var (key, row) = Add();
        _ring.Put(row with { RotatedTo = "key_next", ValidUntil = _clock.Now.AddHours(24) });
        _clock.Now = _clock.Now.AddHours(23);
        _ring.Find(key).Should().NotBeNull();
        _clock.Now = _clock.Now.AddHours(1);
        _ring.Find(key).Should().BeNull();
    }

    [Fact]
    public void Revoked_is_at_once_and_for_good()
    {
        var (key, row) = Add();
        _ring.Put(row with { Revoked = _clock.Now });
        _ring.Find(key).Should().BeNull();
        _ring.Put(row with { RotatedTo = "key_next" });
        _ring.Find(key).Should().BeNull("a change that was under way does not bring it back");
    }

    [Fact]
    public void A_set_key_is_taken_as_it_is_and_may_do_everything()
    {
        var ring = new KeyRing(_clock, SetKey + "\n");
        var caller = ring.Find(SetKey)!;
        caller.Project.Should().Be(Project.Default);
        foreach (var scope in Enum.GetValues<Scopes>().Where(s => s != Scopes.None)) caller.May(scope).Should().BeTrue();
        ring.Find(SetKey[..^1]).Should().BeNull();
        _ring.Find(SetKey).Should().BeNull("here none is set");
    }

    [Fact]
    public void Uses_are_told_once()
    {
        var (key, row) = Add();
        _ring.TakeUses().Should().BeEmpty();
        _ring.Find(key);
        _clock.Now = _clock.Now.AddMinutes(1);
        _ring.Find(key);
        _ring.TakeUses().Should().Equal((row.Id, _clock.Now));
        _ring.TakeUses().Should().BeEmpty();
        _ring.Row(row.Id)!.LastUsed.Should().Be(_clock.Now);
    }

    [Fact]
    public void Looking_up_allocates_nothing()
    {
        var (key, _) = Add();
        var typo = key[..^1] + (key[^1] == '0' ? '1' : '0');
        for (var i = 0; i < 100; i++) (_ring.Find(key), _ring.Find(typo)).Should().NotBeNull();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1_000; i++)
        {
            _ring.Find(key);
            _ring.Find(typo);
        }
        (GC.GetAllocatedBytesForCurrentThread() - before).Should().Be(0);
    }

    static readonly string[] s_attacks =
    [
        "", " ", "'; DROP TABLE keys; --", "' OR '1'='1", "hc_sk_' UNION SELECT hash FROM keys --", "hc_sk_\r\nX-Admin: true", "hc_sk_\0\0\0",
        new string('A', 100 * 1024), "hc_sk_" + new string('A', 100 * 1024), new string('\0', 100 * 1024), "hc_sk_" + new string('é', 38), "\ud800", "hc_sk_" + new string('\udfff', 38),
        "ｈｃ＿ｓｋ＿" + new string('0', 38), "🔑🔑🔑🔑🔑🔑🔑🔑", "_sk_" + new string('0', 38), new string('0', 38), "YOPS-", "YOPS_sk_" + new string('0', 38), "..%2f..%2fetc/passwd", "${jndi:ldap://x}",
    ];

    [Fact]
    public void Credentials_as_attack_find_nobody_and_never_throw()
    {
        Add();
        var other = new KeyRing(_clock, SetKey);
        foreach (var credential in s_attacks)
        {
            _ring.Find(credential).Should().BeNull();
            other.Find(credential).Should().BeNull();
        }
    }

    (string Key, KeyRow Row) Add(Func<KeyRow, KeyRow>? change = null)
    {
        var key = ApiKey.Mint("hc");
        var row = new KeyRow
        {
            Id = "key_" + Guid.NewGuid().ToString("N"), Project = "shop", Hash = KeyHash.Of(key), Prefix = "hc", LastFour = key[^4..],
            Scopes = Scopes.Ingest, Environment = "staging", Plan = Plans.Free, Created = _clock.Now,
        };
        row = change?.Invoke(row) ?? row;
        _ring.Put(row);
        return (key, row);
    }
}
