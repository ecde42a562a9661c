using System.Buffers;
using System.Text;
using SQLitePCL;

namespace Hindcast.Infrastructure.Sqlite;

/// <summary>
/// A prepared statement. Parameters count from 1 and columns from 0, as in SQLite. Bound bytes are copied at once; spans read from a column
/// hold until the next <see cref="Step"/> or <see cref="Reset"/>. Bindings survive a reset.
/// </summary>
public sealed unsafe class Statement : IDisposable
{
    readonly Database _database;
    readonly sqlite3_stmt _handle;
    /// <summary>The same, without its keeper; 0 once it is disposed.</summary>
    nint _pointer;

    internal Statement(Database database, sqlite3_stmt handle) => (_database, _handle, _pointer) = (database, handle, handle.DangerousGetHandle());

    public Statement Bind(int parameter, long value) => Bound(NativeSqlite.BindLong(_pointer, parameter, value));

    public Statement Bind(int parameter, double value) => Bound(NativeSqlite.BindDouble(_pointer, parameter, value));

    public Statement Bind(int parameter, long? value) => value is { } number ? Bind(parameter, number) : BindNull(parameter);

    public Statement Bind(int parameter, double? value) => value is { } number ? Bind(parameter, number) : BindNull(parameter);

    public Statement BindNull(int parameter) => Bound(NativeSqlite.BindNull(_pointer, parameter));

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

    // An empty span has no address, and SQLite takes no address for NULL: any will do where nothing is read.
    public Statement BindUtf8(int parameter, ReadOnlySpan<byte> text)
    {
        fixed (byte* bytes = text.IsEmpty ? "\0"u8 : text)
            return Bound(NativeSqlite.BindText(_pointer, parameter, bytes, text.Length, NativeSqlite.Transient));
    }

    public Statement BindBlob(int parameter, ReadOnlySpan<byte> blob)
    {
        fixed (byte* bytes = blob.IsEmpty ? "\0"u8 : blob)
            return Bound(NativeSqlite.BindBlob(_pointer, parameter, bytes, blob.Length, NativeSqlite.Transient));
    }

    /// <summary>True: there is a row to read. False: done, and the statement is ready to run again. A failure resets it too.</summary>
    public bool Step()
    {
        var code = NativeSqlite.Step(_pointer);
        if (code == raw.SQLITE_ROW) return true;
        var failure = code == raw.SQLITE_DONE ? null : _database.Failure(code);
        Reset();
        return failure is null ? false : throw failure;
    }

    /// <summary>Runs it to its end, whatever rows it gives, and makes it ready again.</summary>
    public void Run()
    {
        while (Step()) { }
    }

    public void Reset()
    {
        NativeSqlite.Reset(_pointer);
        GC.KeepAlive(_handle);
    }

    public void ClearBindings() => raw.sqlite3_clear_bindings(_handle);

    public int Columns => raw.sqlite3_column_count(_handle);

    public bool IsNull(int column) => NativeSqlite.ColumnType(_pointer, column) == raw.SQLITE_NULL;

    public long Long(int column) => NativeSqlite.ColumnLong(_pointer, column);

    public double Double(int column) => raw.sqlite3_column_double(_handle, column);

    public string? Text(int column) => IsNull(column) ? null : Encoding.UTF8.GetString(Blob(column));

    /// <summary>The bytes of a blob, or of a text as UTF-8.</summary>
    public ReadOnlySpan<byte> Blob(int column)
    {
        var bytes = NativeSqlite.ColumnBlob(_pointer, column);
        return new(bytes, NativeSqlite.ColumnBytes(_pointer, column));
    }

    public void Dispose()
    {
        _pointer = 0;
        _handle.Dispose();
    }

    Statement Bound(int code) => code == raw.SQLITE_OK ? this : throw _database.Failure(code);
}
