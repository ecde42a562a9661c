using Hindcast.Application.Search;
using Npgsql;

namespace Hindcast.Infrastructure.ReadModels.Postgres;

/// <summary>
/// Looking for words and parts of texts in PostgreSQL: a <c>tsvector</c> in English with its GIN index, the input weighted A and the output
/// B, and trigrams where the role may install <c>pg_trgm</c> (anybody who owns the database may, from 13 on). Without them a part of a
/// text is found by walking.
/// </summary>
static class PostgresTexts
{
    /// <summary>The searched words of a text; the database makes them.</summary>
    public static string Column(string schema) => $"""
        ALTER TABLE {schema}.texts ADD COLUMN search tsvector GENERATED ALWAYS AS (
            setweight(to_tsvector('english', left(coalesce(input, ''), {SearchedWords.MostCharacters})), 'A') ||
            setweight(to_tsvector('english', left(coalesce(output, ''), {SearchedWords.MostCharacters})), 'B')) STORED
        """;

    /// <summary>What finds words, and parts of them where the role may have that.</summary>
    public static async Task<IReadOnlyList<string>> IndexesAsync(NpgsqlDataSource source, string schema, CancellationToken ct)
    {
        var words = $"CREATE INDEX IF NOT EXISTS texts_by_word ON {schema}.texts USING gin (search) WITH (gin_pending_list_limit = 1024)";
        try
        {
            await using var install = source.CreateCommand("CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA hindcast");
            await install.ExecuteNonQueryAsync(ct);
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.InsufficientPrivilege or PostgresErrorCodes.UndefinedFile or PostgresErrorCodes.FeatureNotSupported)
        {
            return [words];
        }
        await using var where = source.CreateCommand(
            "SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm'");
        var home = (string)(await where.ExecuteScalarAsync(ct))!;
        return [words, $"CREATE INDEX IF NOT EXISTS texts_by_part ON {schema}.texts USING gin (input {home}.gin_trgm_ops, output {home}.gin_trgm_ops)"];
    }
}

/// <summary>Searches as PostgreSQL reads them.</summary>
sealed class PostgresDialect : ISqlDialect
{
    public bool KnowsItsRows => true;

    public bool FindsPartsByIndex => true;

    public string Like(string text, string pattern) => $"{text} ILIKE {pattern}";

    public string Search(string texts, string alias, TextScope scope, string words)
    {
        var query = $"plainto_tsquery('english', {words})";
        // Each word with the weight of its text: to compare is half the work of filtering the text's words first.
        if (scope != TextScope.Both) query = $"regexp_replace({query}::text, '''( & |$)', ''':{(scope == TextScope.Input ? 'A' : 'B')}\\1', 'g')::tsquery";
        return $"({alias}.search @@ {query} AND {alias}.search IS NOT NULL)";
    }

    /// <summary>
    /// The planner takes the columns of a key for independent, expects one row of the whole join, and reads all texts to find it. Behind a
    /// limit it cannot.
    /// </summary>
    public string Join(string texts, string alias, string on) => $"LEFT JOIN LATERAL (SELECT * FROM {texts} {alias} WHERE {on} LIMIT 1) {alias} ON true ";

    public string? Words(string words, TextScope scope) => words;

    /// <summary>The server ends it itself, after the same time (<c>statement_timeout</c>). Were it this side that gave up, a silent server would look like a slow query.</summary>
    public IDisposable? Limit(System.Data.Common.DbCommand command, TimeSpan time) => null;

    public bool TimedOut(Exception failure) => failure is PostgresException { SqlState: PostgresErrorCodes.QueryCanceled };
}
