using Hindcast.Infrastructure.Sqlite;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;

namespace Hindcast.Integration;

/// <summary>The three ways into SQLite this product uses all reach the same library.</summary>
public sealed class SqliteRuntimeTests
{
    [Fact]
    public void The_library_is_new_enough_for_the_sql_we_write() =>
        Version.Parse(SqliteRuntime.Version).Should().BeGreaterThanOrEqualTo(new Version(3, 35));

    [Fact]
    public void Ado_net_runs_on_it()
    {
        SqliteRuntime.Use();
        using var connection = new SqliteConnection("Data Source=:memory:");
        connection.Open();
        connection.ServerVersion.Should().Be(SqliteRuntime.Version);
    }

    [Fact]
    public async Task Ef_core_runs_on_it()
    {
        SqliteRuntime.Use();
        await using var connection = new SqliteConnection("Data Source=:memory:");
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var context = new Notes(new DbContextOptionsBuilder<Notes>().UseSqlite(connection).Options);
        await context.Database.EnsureCreatedAsync(TestContext.Current.CancellationToken);
        context.Add(new Note { Text = "kept" });
        await context.SaveChangesAsync(TestContext.Current.CancellationToken);
        (await context.Set<Note>().Where(note => note.Id > 0).Select(note => note.Text).SingleAsync(TestContext.Current.CancellationToken)).Should().Be("kept");
    }

    [Fact]
    public void Values_of_every_kind_come_back_as_they_were_bound()
    {
        using var database = Database.Open(":memory:", OpenAs.Create);
        using var echo = database.Prepare("SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7");
        var text = "nul \0, ü, " + new string('x', 1_000);
        echo.Bind(1, long.MinValue).Bind(2, 0.1).Bind(3, text).BindUtf8(4, ""u8).BindBlob(5, [0, 1, 255]).BindBlob(6, []).BindNull(7).Step().Should().BeTrue();
        (echo.Long(0), echo.Double(1), echo.Text(2), echo.Text(3)).Should().Be((long.MinValue, 0.1, text, ""));
        echo.Blob(4).ToArray().Should().Equal(0, 1, 255);
        (echo.IsNull(5), echo.Blob(5).Length, echo.IsNull(6), echo.Text(6)).Should().Be((false, 0, true, null));
    }

    [Fact]
    public void A_refusal_carries_the_code_and_the_statement_runs_again()
    {
        using var database = Database.Open(":memory:", OpenAs.Create);
        database.Exec("CREATE TABLE t(a UNIQUE)");
        using var insert = database.Prepare("INSERT INTO t VALUES(?1)");
        insert.Bind(1, 1L).Run();
        insert.Invoking(statement => statement.Run()).Should().Throw<SqliteFailure>().Which.Code.Should().Be(2067);
        insert.Bind(1, 2L).Run();
        database.Long("SELECT count(*) FROM t").Should().Be(2);
        database.Invoking(it => it.Prepare("SELEC")).Should().Throw<SqliteFailure>().WithMessage("*syntax*");
    }

    sealed class Note
    {
        public int Id { get; set; }
        public required string Text { get; set; }
    }

    sealed class Notes(DbContextOptions<Notes> options) : DbContext(options)
    {
        protected override void OnModelCreating(ModelBuilder model) => model.Entity<Note>();
    }
}
