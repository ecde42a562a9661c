using Hindcast.Application.Projects;
using Hindcast.Infrastructure.Secrets;
using Microsoft.Data.Sqlite;

namespace Hindcast.Integration.Keys;

public sealed class SqliteVaultTests : IDisposable
{
    static readonly DateTimeOffset Now = new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero);

    readonly string _folder = Directory.CreateTempSubdirectory("hindcast-vault-").FullName;

    string File => Path.Combine(_folder, "vault.db");
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task What_was_saved_is_there_after_a_restart()
    {
        var full = Row("key_full") with
        {
            Name = "naïve 🔑", MonthlyQuota = 5, Expires = Now.AddDays(1), Revoked = Now.AddHours(1), LastUsed = Now.AddHours(2), RotatedTo = "key_next", ValidUntil = Now.AddHours(3),
        };
        byte[] secret;
        using (var vault = SqliteVault.Open(File))
        {
            await vault.SaveAsync([full, Row("key_bare")], Ct);
            await vault.SaveAsync("shop", "k", new([1, 2], new(202, [3, 4], 7), Now), Ct);
            secret = await vault.SecretAsync(Secrets.Subjects, Secrets.Make, Ct);
        }
        using (var vault = SqliteVault.Open(File))
        {
            (await vault.KeysAsync(Ct)).Should().BeEquivalentTo([full, Row("key_bare")]);
            (await vault.AnswerAsync("shop", "k", Ct)).Should().BeEquivalentTo(new AnswerRow([1, 2], new(202, [3, 4], 7), Now));
            (await vault.AnswerAsync("other", "k", Ct)).Should().BeNull();
            (await vault.SecretAsync(Secrets.Subjects, Secrets.Make, Ct)).Should().Equal(secret).And.HaveCount(32);
            (await vault.SecretAsync(Secrets.Jwt, Secrets.Make, Ct)).Should().NotEqual(secret);
        }
    }

    [Fact]
    public async Task A_later_use_and_revoked_stay()
    {
        using var vault = SqliteVault.Open(File);
        await vault.SaveAsync([Row("k")], Ct);
        await vault.SaveUseAsync([("k", Now.AddHours(2))], Ct);
        await vault.SaveUseAsync([("k", Now.AddHours(1)), ("unknown", Now)], Ct);
        await vault.SaveAsync([Row("k") with { Revoked = Now }], Ct);
        await vault.SaveAsync([Row("k") with { RotatedTo = "next" }], Ct);
        var key = (await vault.KeysAsync(Ct)).Single();
        key.LastUsed.Should().Be(Now.AddHours(2));
        key.Revoked.Should().Be(Now);
        key.RotatedTo.Should().Be("next");
    }

    [Fact]
    public async Task Its_files_are_its_owners_alone()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("Windows has no such modes.");
            return;
        }
        await System.IO.File.WriteAllBytesAsync(File, [], Ct);
        System.IO.File.SetUnixFileMode(File, (UnixFileMode)0b110_110_110);
        using var vault = SqliteVault.Open(File);
        await vault.SaveAsync([Row("k")], Ct);
        Directory.GetFiles(_folder).Should().HaveCount(3, "the file, its WAL and its shared memory");
        foreach (var file in Directory.GetFiles(_folder))
            System.IO.File.GetUnixFileMode(file).Should().Be(UnixFileMode.UserRead | UnixFileMode.UserWrite, file);
    }

    [Fact]
    public void Each_change_is_on_disk_when_it_is_answered()
    {
        using var vault = SqliteVault.Open(File);
        const System.Reflection.BindingFlags Private = System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Instance;
        var kept = typeof(SqliteVault).GetField("_connection", Private)!.GetValue(vault)!;
        var connection = (SqliteConnection)typeof(VaultConnection).GetField("_connection", Private)!.GetValue(kept)!;
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT (SELECT * FROM pragma_journal_mode) || ' ' || (SELECT * FROM pragma_synchronous)";
        command.ExecuteScalar().Should().Be("wal 2");
    }

    [Fact]
    public void What_is_no_vault_is_refused_and_left_as_it_is()
    {
        System.IO.File.WriteAllText(File, new string('x', 8192));
        FluentActions.Invoking(() => SqliteVault.Open(File)).Should().Throw<NotAVault>();
        System.IO.File.ReadAllText(File).Should().Be(new string('x', 8192));
    }

    [Theory]
    [InlineData("PRAGMA user_version = 99", "*99*")]
    [InlineData("PRAGMA application_id = 1", "*another program*")]
    public void A_newer_vault_and_another_programs_file_are_refused(string change, string why)
    {
        SqliteVault.Open(File).Dispose();
        using (var connection = new SqliteConnection($"Data Source={File};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = change;
            command.ExecuteNonQuery();
        }
        FluentActions.Invoking(() => SqliteVault.Open(File)).Should().Throw<NotAVault>().WithMessage(why);
    }

    static KeyRow Row(string id) => new()
    {
        Id = id, Project = "shop", Hash = KeyHash.Of(id), Prefix = "hc", LastFour = "1a2B", Scopes = Scopes.Read | Scopes.Ingest, Environment = "staging",
        Plan = Plans.Pro, Created = Now,
    };
}
