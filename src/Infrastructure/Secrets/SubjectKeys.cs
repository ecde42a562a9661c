using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Hindcast.Application.Erasure;
using Microsoft.Data.Sqlite;

namespace Hindcast.Infrastructure.Secrets;

/// <summary>The keys of contents in the vault's file, on a connection of their own: one root a project and week, and what was destroyed below it.</summary>
/// <remarks>
/// Roots, and who was erased, are in memory; below a root that something was taken out of, the one node above a leaf is looked up. Each node is
/// wrapped under the master key, bound to its place.
/// <para>A destruction is one transaction: it deletes nodes, over which SQLite writes zeros, inserts those beside them, and counts. What the
/// write-ahead log still holds of the old pages goes when it is copied into the file and cut to nothing, before the call returns. A crash before
/// the commit leaves the key, one after it no key, and the next start cuts the log.</para>
/// </remarks>
public sealed class SubjectKeys : ISubjectKeys, IDisposable
{
    const string Schema = """
        CREATE TABLE IF NOT EXISTS seal_roots(
            id TEXT PRIMARY KEY, project TEXT NOT NULL, week INTEGER NOT NULL, destroyed INTEGER NOT NULL DEFAULT 0, UNIQUE(project, week)) STRICT;
        CREATE TABLE IF NOT EXISTS seal_nodes(
            root TEXT NOT NULL, depth INTEGER NOT NULL, prefix INTEGER NOT NULL, key BLOB NOT NULL, PRIMARY KEY(root, depth, prefix)) STRICT, WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS seal_erased(
            project TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, times INTEGER NOT NULL, PRIMARY KEY(project, kind, id)) STRICT, WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS erasures(id TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;
        """;

    readonly VaultConnection _connection;
    readonly byte[] _master;
    readonly ConcurrentDictionary<(string Project, int Week), KeyRoot> _roots = new();
    readonly ConcurrentDictionary<string, KeyRoot> _byId = new(StringComparer.Ordinal);
    /// <summary>Roots that nothing was taken out of.</summary>
    readonly ConcurrentDictionary<string, WholeRoot> _whole = new(StringComparer.Ordinal);
    readonly ConcurrentDictionary<(string Project, KeyOwner Owner), int> _erased = new();
    int _destructions, _erasedOwners;

    /// <summary>A root with its grandchildren, as far as they were asked for: two levels less to go for each key.</summary>
    sealed class WholeRoot(KeyNode root)
    {
        const int Kept = 2;
        readonly byte[]?[] _below = new byte[256][];

        public byte[] KeyOf(ulong leaf)
        {
            var prefix = KeyTree.PrefixOf(leaf, Kept);
            return KeyTree.Key(new(Kept, prefix, _below[prefix] ??= KeyTree.Below(root, leaf, Kept).Key), leaf);
        }
    }

    SubjectKeys(VaultConnection connection, byte[] master) => (_connection, _master) = (connection, master);

    public static SubjectKeys Open(string path, byte[] master)
    {
        var keys = new SubjectKeys(VaultConnection.Open(path, $"{Schema} PRAGMA wal_checkpoint(TRUNCATE)"), master);
        keys.Load();
        return keys;
    }

    public int Destructions => Volatile.Read(ref _destructions);

    public KeyRoot RootOf(string project, int week) => _roots.TryGetValue((project, week), out var root) ? root : _connection.Run(() =>
    {
        if (_roots.TryGetValue((project, week), out var made)) return made;
        made = new(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8)), project, week);
        var node = KeyTree.Root(RandomNumberGenerator.GetBytes(KeyTree.KeyBytes));
        using var transaction = _connection.Begin();
        _connection.Execute("INSERT INTO seal_roots(id, project, week) VALUES($id, $project, $week)", ("$id", made.Id), ("$project", project), ("$week", week));
        Insert(made, node);
        transaction.Commit();
        Know(made);
        return made;
    });

    public KeyRoot? Find(string id) => _byId.GetValueOrDefault(id);

    public IReadOnlyList<KeyRoot> RootsOf(string project) => [.. _byId.Values.Where(root => root.Project == project && !root.Destroyed)];

    public int TimesErased(string project, KeyOwner owner) => Volatile.Read(ref _erasedOwners) == 0 ? 0 : _erased.GetValueOrDefault((project, owner));

    public byte[]? KeyOf(KeyRoot root, KeyOwner owner, int time)
    {
        var leaf = LeafOf(owner, time);
        if (_whole.TryGetValue(root.Id, out var whole)) return whole.KeyOf(leaf);
        return _connection.Run(() => Above(root, leaf)) is { } above ? KeyTree.Key(above, leaf) : null;
    }

    public void Destroy(Erasure erasure, IReadOnlyList<(KeyOwner Owner, IReadOnlyList<KeyRoot> Roots)> owners) => Destroying(() =>
    {
        foreach (var (owner, roots) in owners)
        {
            var time = TimesErased(erasure.Project, owner);
            foreach (var root in roots) TakeOut(root, LeafOf(owner, time));
            _connection.Execute("INSERT INTO seal_erased(project, kind, id, times) VALUES($project, $kind, $id, 1) ON CONFLICT DO UPDATE SET times = times + 1",
                ("$project", erasure.Project), ("$kind", owner.Kind), ("$id", owner.Id));
        }
        _connection.Execute("INSERT INTO erasures(id, body) VALUES($id, $body)", ("$id", erasure.Id.ToString("D")), ("$body", JsonSerializer.Serialize(erasure)));
    }, () =>
    {
        foreach (var (owner, roots) in owners)
        {
            _erased.AddOrUpdate((erasure.Project, owner), 1, static (_, times) => times + 1);
            foreach (var root in roots) _whole.TryRemove(root.Id, out _);
        }
        Volatile.Write(ref _erasedOwners, _erased.Count);
    });

    public void Destroy(IReadOnlyList<KeyRoot> roots) => Destroying(() =>
    {
        foreach (var root in roots)
        {
            _connection.Execute("DELETE FROM seal_nodes WHERE root = $root", ("$root", root.Id));
            _connection.Execute("UPDATE seal_roots SET destroyed = 1 WHERE id = $root", ("$root", root.Id));
        }
    }, () =>
    {
        foreach (var root in roots)
        {
            root.Destroyed = true;
            _whole.TryRemove(root.Id, out _);
        }
    });

    public void Done(Erasure erasure) => _connection.Run(() => _connection.Execute("DELETE FROM erasures WHERE id = $id", ("$id", erasure.Id.ToString("D"))));

    public IReadOnlyList<Erasure> Begun() => _connection.Run(() =>
        _connection.Read("SELECT body FROM erasures ORDER BY id", row => JsonSerializer.Deserialize<Erasure>(row.GetString(0))!));

    public void Scrub() => _connection.Run(() => _connection.Execute("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)"));

    public void Dispose() => _connection.Dispose();

    void Destroying(Action work, Action done) => _connection.Run(() =>
    {
        using (var transaction = _connection.Begin())
        {
            work();
            transaction.Commit();
        }
        done();
        Interlocked.Increment(ref _destructions);
        return _connection.Execute("PRAGMA wal_checkpoint(TRUNCATE)");
    });

    void TakeOut(KeyRoot root, ulong leaf)
    {
        if (Above(root, leaf) is not { } above) return;
        _connection.Execute("DELETE FROM seal_nodes WHERE root = $root AND depth = $depth AND prefix = $prefix",
            ("$root", root.Id), ("$depth", above.Depth), ("$prefix", unchecked((long)above.Prefix)));
        foreach (var node in KeyTree.Without(above, leaf)) Insert(root, node);
    }

    /// <summary>Of the nodes on the way to a leaf at most one is there.</summary>
    KeyNode? Above(KeyRoot root, ulong leaf)
    {
        var path = string.Join(',', Enumerable.Range(0, KeyTree.Depth + 1).Select(depth => $"({depth},{unchecked((long)KeyTree.PrefixOf(leaf, depth))})"));
        var found = _connection.Read(
            $"SELECT depth, prefix, key FROM seal_nodes WHERE root = $root AND (depth, prefix) IN (VALUES {path})",
            row => (Depth: row.GetInt32(0), Prefix: unchecked((ulong)row.GetInt64(1)), Key: row.GetFieldValue<byte[]>(2)), ("$root", root.Id));
        return found is [var node] ? new(node.Depth, node.Prefix, Unwrap(root, node.Depth, node.Prefix, node.Key)) : null;
    }

    void Insert(KeyRoot root, KeyNode node) => _connection.Execute(
        "INSERT INTO seal_nodes(root, depth, prefix, key) VALUES($root, $depth, $prefix, $key)",
        ("$root", root.Id), ("$depth", node.Depth), ("$prefix", unchecked((long)node.Prefix)), ("$key", Wrap(root, node)));

    void Load()
    {
        foreach (var root in _connection.Read(
            "SELECT id, project, week, destroyed FROM seal_roots",
            row => new KeyRoot(row.GetString(0), row.GetString(1), row.GetInt32(2)) { Destroyed = row.GetBoolean(3) })) Know(root);
        foreach (var (project, owner, times) in _connection.Read(
            "SELECT project, kind, id, times FROM seal_erased",
            row => (row.GetString(0), new KeyOwner(row.GetString(1), row.GetString(2)), row.GetInt32(3)))) _erased[(project, owner)] = times;
        _erasedOwners = _erased.Count;
    }

    void Know(KeyRoot root)
    {
        if (Above(root, 0) is { Depth: 0 } whole) _whole[root.Id] = new(whole);
        _byId[root.Id] = root;
        _roots[(root.Project, root.Week)] = root;
    }

    static ulong LeafOf(KeyOwner owner, int time) => KeyTree.LeafOf($"{owner.Kind}\0{owner.Id}\0{time}");

    byte[] Wrap(KeyRoot root, KeyNode node) => Box.Close(_master, node.Key, PlaceOf(root, node.Depth, node.Prefix));

    byte[] Unwrap(KeyRoot root, int depth, ulong prefix, byte[] box) => Box.Open(_master, box, PlaceOf(root, depth, prefix));

    static byte[] PlaceOf(KeyRoot root, int depth, ulong prefix) => Encoding.UTF8.GetBytes($"{root.Id}\0{depth}\0{prefix}");
}
