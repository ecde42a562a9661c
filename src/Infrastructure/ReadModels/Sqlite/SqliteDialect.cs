using System.Data.Common;
using Hindcast.Application.Search;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Hindcast.Infrastructure.ReadModels.Sqlite;

/// <summary>
/// Searches as SQLite reads them. Words stand in an FTS5 index with Porter's stemmer, kept by triggers; a part of a text is found by
/// walking, which an embedded store is small enough for: an index of trigrams would be three times the texts.
/// </summary>
sealed class SqliteDialect : ISqlDialect
{
    /// <summary>The index of words beside the table of texts.</summary>
    public static readonly string Words = $"""
        CREATE VIRTUAL TABLE words USING fts5(input, output, content='texts', content_rowid='rowid', tokenize='porter unicode61');
        CREATE TRIGGER texts_added AFTER INSERT ON texts BEGIN {Add} END;
        CREATE TRIGGER texts_removed AFTER DELETE ON texts BEGIN {Remove} END;
        CREATE TRIGGER texts_changed AFTER UPDATE ON texts WHEN old.input IS NOT new.input OR old.output IS NOT new.output BEGIN {Remove} {Add} END;
        """;

    /// <summary>Named at run time: the compiler would ask for the version of the bindings that ADR 0003 stands in for.</summary>
    static readonly System.Reflection.PropertyInfo s_handle = typeof(SqliteConnection).GetProperty("Handle")!;

    static string Add => $"INSERT INTO words(rowid, input, output) VALUES (new.rowid, {Beginning("new.input")}, {Beginning("new.output")});";

    static string Remove => $"INSERT INTO words(words, rowid, input, output) VALUES ('delete', old.rowid, {Beginning("old.input")}, {Beginning("old.output")});";

    static string Beginning(string text) => $"substr({text}, 1, {SearchedWords.MostCharacters})";

    public bool KnowsItsRows => false;

    public bool FindsPartsByIndex => false;

    public string Like(string text, string pattern) => $"{text} LIKE {pattern} ESCAPE '\\'";

    public string Search(string texts, string alias, TextScope scope, string words) =>
        $"({alias}.rowid IN (SELECT rowid FROM {texts[..^"texts".Length]}words WHERE words MATCH {words}) AND {alias}.rowid IS NOT NULL)";

    public string Join(string texts, string alias, string on) => $"LEFT JOIN {texts} {alias} ON {on} ";

    string? ISqlDialect.Words(string words, TextScope scope)
    {
        var counting = SearchedWords.Of(words);
        if (counting.Count == 0) return null;
        var all = string.Join(" AND ", counting.Select(word => $"\"{word}\""));
        return scope == TextScope.Both ? all : $"{{{(scope == TextScope.Input ? "input" : "output")}}} : ({all})";
    }

    public IDisposable? Limit(DbCommand command, TimeSpan time)
    {
        var handle = (sqlite3)s_handle.GetValue(command.Connection)!;
        return new Timer(_ => raw.sqlite3_interrupt(handle), null, time, Timeout.InfiniteTimeSpan);
    }

    public bool TimedOut(Exception failure) => failure is SqliteException { SqliteErrorCode: raw.SQLITE_INTERRUPT };
}
