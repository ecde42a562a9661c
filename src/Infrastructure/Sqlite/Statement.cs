using System.Buffers;
using System.Text;
using SQLitePCL;

namespace Hindcast.Infrastructure.Sqlite;

/// <summary>
/// A prepared statement. Parameters count from 1 and columns from 0, as in SQLite. Bound bytes are copied at once; spans read from a column
/// hold until the next <see cref="Step"/> or <see cref="Reset"/>. Bindings survive a reset.
/// </summary>
public sealed class Statement : IDisposable
{
    readonly Database _database;
    readonly sqlite3_stmt _handle;

    internal Statement(Database database, sqlite3_stmt handle) => (_database, _handle) = (database, handle);

    public Statement Bind(int parameter, long value) => Bound(raw.sqlite3_bind_int64(_handle, parameter, value));

    public Statement Bind(int parameter, double value) => Bound(raw.sqlite3_bind_double(_handle, parameter, value));

    public Statement Bind(int parameter, long? value) => value is { } number ? Bind(parameter, number) : BindNull(parameter);

    public Statement Bind(int parameter, double? value) => value is { } number ? Bind(parameter, number) : BindNull(parameter);

    public Statement BindNull(int parameter) => Bound(raw.sqlite3_bind_null(_handle, parameter));

    public Statement Bind(int parameter, string? text) => text is null ? BindNull(parameter) : Bind(parameter, text.AsSpan());

    public Statement Bind(int parameter, ReadOnlySpan<char> text)
    {
        var most = Encoding.UTF8.GetMaxByteCount(text.Length);
        if (most <= 512)
        {
            Span<byte> utf8 = stackalloc byte[512];
            return BindUtf8(parameter, utf8[..Encoding.UTF8.GetBytes(text, utf8)]);
        }
        var rented = ArrayPool<byte>.Shared.Rent(most);
        try
        {
            return BindUtf8(parameter, rented.AsSpan(0, Encoding.UTF8.GetBytes(text, rented)));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    // An empty span has no address, and SQLite takes no address for NULL: both binders spell emptiness out.
    public Statement BindUtf8(int parameter, ReadOnlySpan<byte> text) =>
        Bound(text.IsEmpty ? raw.sqlite3_bind_text(_handle, parameter, "") : raw.sqlite3_bind_text(_handle, parameter, text));

    public Statement BindBlob(int parameter, ReadOnlySpan<byte> blob) =>
        Bound(blob.IsEmpty ? raw.sqlite3_bind_zeroblob(_handle, parameter, 0) : raw.sqlite3_bind_blob(_handle, parameter, blob));

    /// <summary>True: there is a row to read. False: done, and the statement is ready to run again. A failure resets it too.</summary>
    public bool Step()
    {
        var code = raw.sqlite3_step(_handle);
        if (code == raw.SQLITE_ROW) return true;
        if (code == raw.SQLITE_DONE)
        {
            raw.sqlite3_reset(_handle);
            return false;
        }
        var failure = _database.Failure(code);
        raw.sqlite3_reset(_handle);
        throw failure;
    }

    /// <summary>Runs it to its end, whatever rows it gives, and makes it ready again.</summary>
    public void Run()
    {
        while (Step()) { }
    }

    public void Reset() => raw.sqlite3_reset(_handle);

    public void ClearBindings() => raw.sqlite3_clear_bindings(_handle);

    public int Columns => raw.sqlite3_column_count(_handle);

    public bool IsNull(int column) => raw.sqlite3_column_type(_handle, column) == raw.SQLITE_NULL;

    public long Long(int column) => raw.sqlite3_column_int64(_handle, column);

    public double Double(int column) => raw.sqlite3_column_double(_handle, column);

    public string? Text(int column) => IsNull(column) ? null : Encoding.UTF8.GetString(Blob(column));

    /// <summary>The bytes of a blob, or of a text as UTF-8.</summary>
    public ReadOnlySpan<byte> Blob(int column) => raw.sqlite3_column_blob(_handle, column);

    public void Dispose() => _handle.Dispose();

    Statement Bound(int code) => code == raw.SQLITE_OK ? this : throw _database.Failure(code);
}
