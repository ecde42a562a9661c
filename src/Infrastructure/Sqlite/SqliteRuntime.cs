using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using SQLitePCL;

namespace Hindcast.Infrastructure.Sqlite;

/// <summary>
/// Makes SQLite ready, once per process, before anything of this assembly runs. Two things are settled here and nowhere else:
/// <list type="bullet">
/// <item>Microsoft.Data.Sqlite and EF Core ask for SQLitePCLRaw 2.1. Where only 2.0 is restored it answers in its place; where 2.1 is there the
/// runtime finds it by itself and never asks us.</item>
/// <item>The newest native library wins: the system's, when it is newer than the packaged one and has what we use; else the packaged one, so
/// that a machine with nothing but the SDK runs too. <c>HINDCAST_SQLITE=packaged</c> or <c>=system</c> chooses by hand.</item>
/// </list>
/// </summary>
public static unsafe class SqliteRuntime
{
    const string SystemLibrary = "libsqlite3.so.0";
    static readonly Lock s_gate = new();
    static bool s_ready;
    static nint s_library;

    /// <summary>The native library in use.</summary>
    internal static nint Library
    {
        get
        {
            Use();
            return s_library;
        }
    }

    /// <summary>The native library in use, as SQLite spells its version.</summary>
    public static string Version
    {
        get
        {
            Use();
            return raw.sqlite3_libversion().utf8_to_string();
        }
    }

    /// <summary>Who uses SQLite without touching anything else of this assembly calls this first; calling it again does nothing.</summary>
#pragma warning disable CA2255 // The one case it is meant for: nothing here may run, nor EF Core be touched, before this has.
    [ModuleInitializer]
#pragma warning restore CA2255
    public static void Use()
    {
        lock (s_gate)
        {
            if (s_ready) return;
            s_ready = true;
            AssemblyLoadContext.Default.Resolving += StandIn;
            SetProvider();
        }
    }

    static Assembly? StandIn(AssemblyLoadContext context, AssemblyName asked) => asked.Name == "SQLitePCLRaw.core" ? typeof(raw).Assembly : null;

    static void SetProvider()
    {
        var provider = typeof(SQLite3Provider_e_sqlite3).Assembly;
        var library = Newest(provider);
        // The search is the runtime's where we found nothing, and it says what it looked for.
        s_library = library != 0 ? library : NativeLibrary.Load("e_sqlite3", provider, null);
        try
        {
            if (library != 0) NativeLibrary.SetDllImportResolver(provider, (name, _, _) => name == "e_sqlite3" ? library : 0);
        }
        catch (InvalidOperationException)
        {
            // Somebody in this process chose a library before us, and their choice stands: there can be one only.
            s_library = NativeLibrary.Load("e_sqlite3", provider, null);
        }
        raw.SetProvider(new SQLite3Provider_e_sqlite3());
        // Nobody asks how much memory SQLite uses, and counting it takes a lock for each allocation.
        raw.sqlite3_config(raw.SQLITE_CONFIG_MEMSTATUS, 0);
    }

    /// <summary>Zero leaves the search to the runtime, which then says what it looked for.</summary>
    static nint Newest(Assembly provider)
    {
        NativeLibrary.TryLoad("e_sqlite3", provider, null, out var packaged);
        NativeLibrary.TryLoad(SystemLibrary, out var system);
        return Environment.GetEnvironmentVariable("HINDCAST_SQLITE") switch
        {
            "packaged" => packaged,
            "system" => system,
            _ => system != 0 && HasFullText(system) && VersionOf(system) > VersionOf(packaged) ? system : packaged,
        };
    }

    static int VersionOf(nint library) =>
        library != 0 && NativeLibrary.TryGetExport(library, "sqlite3_libversion_number", out var call) ? ((delegate* unmanaged<int>)call)() : 0;

    static bool HasFullText(nint library)
    {
        if (!NativeLibrary.TryGetExport(library, "sqlite3_compileoption_used", out var call)) return false;
        fixed (byte* name = "ENABLE_FTS5\0"u8) return ((delegate* unmanaged<byte*, int>)call)(name) != 0;
    }
}
