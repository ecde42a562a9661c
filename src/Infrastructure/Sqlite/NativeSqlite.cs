using System.Runtime.InteropServices;

namespace Hindcast.Infrastructure.Sqlite;

/// <summary>
/// The calls that <see cref="Statement"/> makes by the dozen for every row, straight into the library that <see cref="SqliteRuntime"/> chose.
/// SQLitePCLRaw takes a reference on its handle for each of them, which costs more than most of them do. A null statement is answered by SQLite
/// itself, with a misuse code or an empty value.
/// </summary>
static unsafe class NativeSqlite
{
    static readonly nint s_library = SqliteRuntime.Library;

    // Those that only store or fetch a value are over before the garbage collector could want anything.
    public static readonly delegate* unmanaged[SuppressGCTransition]<nint, int, long, int> BindLong =
        (delegate* unmanaged[SuppressGCTransition]<nint, int, long, int>)Export("sqlite3_bind_int64");
    public static readonly delegate* unmanaged[SuppressGCTransition]<nint, int, double, int> BindDouble =
        (delegate* unmanaged[SuppressGCTransition]<nint, int, double, int>)Export("sqlite3_bind_double");
    public static readonly delegate* unmanaged[SuppressGCTransition]<nint, int, int> BindNull =
        (delegate* unmanaged[SuppressGCTransition]<nint, int, int>)Export("sqlite3_bind_null");
    public static readonly delegate* unmanaged[SuppressGCTransition]<nint, int, long> ColumnLong =
        (delegate* unmanaged[SuppressGCTransition]<nint, int, long>)Export("sqlite3_column_int64");
    public static readonly delegate* unmanaged[SuppressGCTransition]<nint, int, int> ColumnType =
        (delegate* unmanaged[SuppressGCTransition]<nint, int, int>)Export("sqlite3_column_type");

    public static readonly delegate* unmanaged<nint, int, byte*, int, nint, int> BindText =
        (delegate* unmanaged<nint, int, byte*, int, nint, int>)Export("sqlite3_bind_text");
    public static readonly delegate* unmanaged<nint, int, byte*, int, nint, int> BindBlob =
        (delegate* unmanaged<nint, int, byte*, int, nint, int>)Export("sqlite3_bind_blob");
    public static readonly delegate* unmanaged<nint, int, byte*> ColumnBlob = (delegate* unmanaged<nint, int, byte*>)Export("sqlite3_column_blob");
    public static readonly delegate* unmanaged<nint, int, int> ColumnBytes = (delegate* unmanaged<nint, int, int>)Export("sqlite3_column_bytes");
    public static readonly delegate* unmanaged<nint, int> Step = (delegate* unmanaged<nint, int>)Export("sqlite3_step");
    public static readonly delegate* unmanaged<nint, int> Reset = (delegate* unmanaged<nint, int>)Export("sqlite3_reset");

    /// <summary>SQLite copies what is bound before the call returns.</summary>
    public const nint Transient = -1;

    static nint Export(string name) => NativeLibrary.GetExport(s_library, name);
}
