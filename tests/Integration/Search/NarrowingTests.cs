using Hindcast.Application.ReadModels;
using Hindcast.Application.Search;
using Hindcast.Integration.ReadModels;
using Microsoft.EntityFrameworkCore;

namespace Hindcast.Integration.Search;

/// <summary>
/// What an index found is fetched by its whole key. SQLite keeps no figures of its rows: given less, it takes the index of another condition instead, and walks
/// it once for each row that was found.
/// </summary>
public sealed class NarrowingTests(SearchFixture<SqliteReadFixture> engine) : IClassFixture<SearchFixture<SqliteReadFixture>>
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("user_id", FilterOperator.Eq, "u1")]
    [InlineData("session_id", FilterOperator.Eq, "s1")]
    [InlineData("score.helpful", FilterOperator.Lt, "0.5")]
    [InlineData("score.helpful", FilterOperator.Eq, "good")]
    [InlineData("input_text", FilterOperator.Search, "alpha")]
    public async Task The_few_that_an_index_finds_are_fetched_by_their_whole_key(string field, FilterOperator op, string value)
    {
        var spans = SpanCatalogue.Instance;
        var filter = new All([
            Conditions.Of(spans.Field(field), op, value), Conditions.Of(spans.Field("model"), FilterOperator.Eq, "gpt-4o"), Conditions.Of(spans.Field("status_code"), FilterOperator.Eq, "OK"),
            Conditions.Of(spans.Field("ts"), FilterOperator.Gte, SearchFixture.Start)]);
        await using var db = engine.Models.Open("traces");
        await db.Database.OpenConnectionAsync(Ct);
        var asked = new Asked(new(spans, ["p"], filter, new(spans.SortField("total_cost_usd"), Descending: false), null, 10), engine.Models.Dialect, "") { Texts = $"{await engine.Models.BesideAsync(db, "texts", Ct)}texts" };
        var (sql, _) = asked.Page("r.span_id", filter, asked.Narrowings().First(), null, 10, looked: false);

        await using var command = db.Database.GetDbConnection().CreateCommand();
        command.CommandText = $"EXPLAIN QUERY PLAN {sql}";
        for (var i = 0; i < sql.Values.Count; i++)
        {
            var parameter = command.CreateParameter();
            (parameter.ParameterName, parameter.Value) = ($"@p{i}", sql.Values[i]);
            command.Parameters.Add(parameter);
        }
        var plan = new List<string>();
        await using (var rows = await command.ExecuteReaderAsync(Ct))
            while (await rows.ReadAsync(Ct)) plan.Add(rows.GetString(3));
        plan.Should().Contain(step => step.StartsWith("SEARCH r ", StringComparison.Ordinal) && step.EndsWith("(project=? AND trace_id=? AND span_id=? AND day=?)", StringComparison.Ordinal), string.Join('\n', plan));
    }
}
