using System.Collections.Concurrent;
using Hindcast.Domain.Projects;

namespace Hindcast.Application.Projects;

/// <summary>Who holds a key: answered from memory, so that no request waits for a store.</summary>
public interface IKeyRing
{
    /// <summary>Null for a key that is missing, malformed, unknown, expired or revoked: the caller is not told which.</summary>
    Caller? Find(string key);
}

/// <summary>All keys of the vault, by the hash of their text. Look-ups take no lock and allocate nothing.</summary>
/// <remarks>
/// What cannot be a key (wrong form, wrong checksum) is turned away before anything is looked up, so guesses and typos cost nothing.
/// A key set by hand (<see cref="HindcastOptions.AdminKey"/>) has no checksum and is compared first, hash with hash.
/// </remarks>
public sealed class KeyRing : IKeyRing
{
    /// <summary>The id under which the key of the settings appears in facts.</summary>
    public const string SetKeyId = "key_settings";

    static readonly Caller SetKeyHolder = new(Project.Default, SetKeyId, Scopes.Admin | Scopes.Ingest | Scopes.Read | Scopes.Gateway, "development");

    readonly TimeProvider _clock;
    readonly KeyHash? _setKey;
    readonly ConcurrentDictionary<KeyHash, Held> _byHash = new();
    readonly ConcurrentDictionary<string, Held> _byId = new();

    /// <param name="setKey">Taken as it is, but for blanks around it: a header cannot carry them, and a file that a secret comes from ends in one.</param>
    public KeyRing(TimeProvider clock, string? setKey)
    {
        _clock = clock;
        if (setKey?.Trim() is { Length: > 0 } text) _setKey = KeyHash.Of(text);
    }

    /// <summary>Some key of the settings stands in for a minted one.</summary>
    public bool HasSetKey => _setKey is not null;

    public IEnumerable<KeyRow> Rows => _byId.Values.Select(held => held.Current);

    public Caller? Find(string key)
    {
        if (key.Length is 0 or > KeyHash.LongestKey) return null;
        var hash = default(KeyHash);
        if (_setKey is { } set && (hash = KeyHash.Of(key)) == set) return SetKeyHolder;
        if (!ApiKey.HasValidChecksum(key)) return null;
        if (!_byHash.TryGetValue(hash == default ? KeyHash.Of(key) : hash, out var held)) return null;

        var now = _clock.GetUtcNow();
        if (!held.Row.Works(now)) return null;
        held.Used(now);
        return held.Caller;
    }

    /// <summary>The key with this id works now; what was given for it holds as long.</summary>
    public bool Works(string id) => (id == SetKeyId && HasSetKey) || (_byId.TryGetValue(id, out var held) && held.Row.Works(_clock.GetUtcNow()));

    /// <summary>Null when there is no such key.</summary>
    public KeyRow? Row(string id) => _byId.TryGetValue(id, out var held) ? held.Current : null;

    /// <summary>Takes a key in, or what changed about it. Two changes may cross, and revoked stays revoked.</summary>
    public void Put(KeyRow row)
    {
        var held = _byId.GetOrAdd(row.Id, static (_, row) => new(row), row);
        lock (held) held.Row = row with { Revoked = held.Row.Revoked ?? row.Revoked };
        _byHash[row.Hash] = held;
    }

    /// <summary>Uses that were not asked for before.</summary>
    public IReadOnlyList<(string Id, DateTimeOffset LastUsed)> TakeUses() =>
        [.. from held in _byId.Values let used = held.TakeUse() where used is not null select (held.Row.Id, used.Value)];

    /// <summary>A key in memory: its row, the caller it stands for, made once, and the newest use.</summary>
    sealed class Held(KeyRow row)
    {
        volatile KeyRow _row = row;
        long _used;
        long _taken;

        public Caller Caller { get; } = new(row.Project, row.Id, row.Scopes, row.Environment) { Plan = row.Plan, MonthlyQuota = row.MonthlyQuota };

        public KeyRow Row
        {
            get => _row;
            set => _row = value;
        }

        public KeyRow Current => Volatile.Read(ref _used) is > 0 and var ticks ? _row with { LastUsed = new(ticks, TimeSpan.Zero) } : _row;

        /// <summary>Later uses may overtake each other by some nanoseconds; the time is for people.</summary>
        public void Used(DateTimeOffset now) => Volatile.Write(ref _used, now.UtcTicks);

        public DateTimeOffset? TakeUse()
        {
            var used = Volatile.Read(ref _used);
            return Interlocked.Exchange(ref _taken, used) == used ? null : new(used, TimeSpan.Zero);
        }
    }
}
