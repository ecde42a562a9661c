using System.Text;
using Hindcast.Application.Erasure;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.ReadModels;
using Hindcast.Application.Traces;
using Hindcast.Domain.Traces;
using Hindcast.Infrastructure.Secrets;

namespace Hindcast.Integration.Erasure;

/// <summary>Sealing over the real vault: what is destroyed stays so after a restart, nothing else goes with it, and no byte of a key is left in a file.</summary>
public sealed class SubjectSealTests : IDisposable
{
    static readonly DateTimeOffset s_now = new(2026, 3, 4, 5, 6, 7, TimeSpan.Zero);

    readonly string _folder = Directory.CreateTempSubdirectory("hindcast-seal-").FullName;
    SubjectKeys _keys;
    SubjectSeal _seal;

    public SubjectSealTests()
    {
        SqliteVault.Open(Path.Combine(_folder, "vault.db")).Dispose();
        (_keys, _seal) = Opened();
    }

    public void Dispose()
    {
        _keys.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    (SubjectKeys, SubjectSeal) Opened()
    {
        var keys = SubjectKeys.Open(Path.Combine(_folder, "vault.db"), new byte[32]);
        return (keys, new(keys));
    }

    void Restart()
    {
        _keys.Dispose();
        (_keys, _seal) = Opened();
    }

    static Header Of(string trace, string? subject, DateTimeOffset? at = null) => new()
    {
        Type = "user_message", Project = "shop", EventId = Guid.NewGuid(), At = s_now, RecordedAt = at ?? s_now, Source = new("native", 1, null), TraceId = trace, Subject = subject,
    };

    (Header, ReadOnlyMemory<byte>) Close(Header header, string text = "said")
    {
        var (stored, by) = _seal.Close(header, Encoding.UTF8.GetBytes(text));
        return (header with { SealedBy = by }, stored);
    }

    string? Open((Header Header, ReadOnlyMemory<byte> Stored) fact) => _seal.Open(fact.Header, fact.Stored) is { } content ? Encoding.UTF8.GetString(content.Span) : null;

    void Destroy(IReadOnlyList<(KeyOwner, IReadOnlyList<KeyRoot>)> owners) => _keys.Destroy(new(Guid.NewGuid(), "shop", "k", null, [], []), owners);

    [Fact]
    public void A_user_goes_everywhere_and_takes_nobody_along()
    {
        var (hers, his, nobodys) = (Close(Of("t", "ann")), Close(Of("t", "bob")), Close(Of("t", null)));
        var elsewhere = Close(Of("u", "ann", s_now.AddDays(30)));
        Encoding.UTF8.GetString(hers.Item2.Span).Should().NotContain("said");

        Destroy([(KeyOwner.User("ann"), _keys.RootsOf("shop"))]);
        for (var restarts = 0; restarts < 2; restarts++)
        {
            (Open(hers), Open(elsewhere), Open(his), Open(nobodys)).Should().Be((null, null, "said", "said"));
            Restart();
        }
        var back = Close(Of("t", "ann"));
        back.Item1.SealedBy.Should().EndWith(".1");
        (Open(back), Open(hers)).Should().Be(("said", null));
        Destroy([(KeyOwner.User("ann"), _keys.RootsOf("shop"))]);
        (Open(back), Open(his)).Should().Be((null, "said"));
    }

    [Fact]
    public void A_trace_goes_with_all_who_spoke_in_it_and_takes_nothing_more()
    {
        var (hers, nobodys, other) = (Close(Of("t", "ann")), Close(Of("t", null)), Close(Of("u", "ann")));
        Destroy([(KeyOwner.Trace("t"), _keys.RootsOf("shop"))]);
        (Open(hers), Open(nobodys), Open(other)).Should().Be((null, null, "said"));
        FluentActions.Invoking(() => Close(Of("t", "ann"))).Should().Throw<TraceIsErased>();
        FluentActions.Invoking(() => Close(Of("t", "bob", s_now.AddDays(30)))).Should().Throw<TraceIsErased>();
    }

    [Fact]
    public void What_was_recorded_in_clear_is_shown_no_more_once_it_is_erased()
    {
        var (hers, his) = ((Of("t", "ann"), (ReadOnlyMemory<byte>)"clear"u8.ToArray()), (Of("t", "bob"), (ReadOnlyMemory<byte>)"clear"u8.ToArray()));
        Destroy([(KeyOwner.User("ann"), [])]);
        (Open(hers), Open(his)).Should().Be((null, "clear"));
        Destroy([(KeyOwner.Trace("t"), [])]);
        Open(his).Should().BeNull();
    }

    [Fact]
    public void A_week_goes_whole()
    {
        var (old, next) = (Close(Of("t", "ann")), Close(Of("t", "ann", s_now.AddDays(7))));
        _keys.Destroy([_keys.RootOf("shop", old.Item1.RecordedAt.Week())]);
        Restart();
        (Open(old), Open(next)).Should().Be((null, "said"));
    }

    [Fact]
    public void What_was_sealed_elsewhere_or_moved_is_not_taken_for_erased()
    {
        var fact = Close(Of("t", "ann"));
        FluentActions.Invoking(() => Open((fact.Item1 with { EventId = Guid.NewGuid() }, fact.Item2))).Should().Throw<UnreadableFact>();
        FluentActions.Invoking(() => Open((fact.Item1 with { SealedBy = "0123456789abcdef" }, fact.Item2))).Should().Throw<UnreadableFact>();
        Open((Of("t", null), "clear"u8.ToArray())).Should().Be("clear");
    }

    /// <summary>The nodes as they are in the tables are wrapped with fresh nonces, so their bytes can be looked for.</summary>
    [Fact]
    public void No_byte_of_a_destroyed_key_is_left_in_a_file()
    {
        Close(Of("t", "ann"));
        var before = Nodes();
        before.Should().ContainSingle();
        InFiles(before).Should().Equal(before);

        Destroy([(KeyOwner.User("ann"), _keys.RootsOf("shop"))]);
        InFiles(before).Should().BeEmpty();
        var left = Nodes();
        left.Should().HaveCount(180);
        Destroy([(KeyOwner.Trace("t"), _keys.RootsOf("shop"))]);
        InFiles([.. left.Except(Nodes())]).Should().BeEmpty();
    }

    /// <summary>In hexadecimal.</summary>
    List<string> Nodes()
    {
        using var connection = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={Path.Combine(_folder, "vault.db")};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT hex(key) FROM seal_nodes";
        using var rows = command.ExecuteReader();
        var nodes = new List<string>();
        while (rows.Read()) nodes.Add(rows.GetString(0));
        return nodes;
    }

    IEnumerable<string> InFiles(IReadOnlyCollection<string> nodes)
    {
        var files = Directory.GetFiles(_folder).Select(file =>
        {
            using var open = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var bytes = new byte[open.Length];
            open.ReadExactly(bytes);
            return bytes;
        }).ToList();
        return nodes.Where(node => files.Exists(file => file.AsSpan().IndexOf(Convert.FromHexString(node)) >= 0));
    }
}
