using System.Runtime.InteropServices;

namespace Hindcast.Application.Payloads;

/// <summary>
/// The keys of the objects that are open at one point of a walk. Inner objects close before outer ones go on, so the keys of every open
/// object lie side by side in one stack, and a closed object's keys are forgotten by cutting it back. A few keys are compared one by
/// one; from there on an object gets an index. One per thread, and emptied rather than made anew: checking a small element allocates nothing.
/// </summary>
sealed class SeenKeys
{
    const int MostWithoutIndex = 12;
    const int SmallestIndex = 64;
    const int WorthKeeping = 4096;

    // Where a key's bytes are: in the element itself, or, when it was spelled with escapes, unescaped in _unescaped (~offset).
    record struct Key(int Offset, int Length, int Hash);

    // Slots holds key numbers + 1; only the first Used of them belong to the present object, the rest is left from larger ones.
    record struct Level(int FirstKey, int FirstUnescaped, int Used, int[]? Slots);

    Key[] _keys = new Key[64];
    readonly Level[] _levels = new Level[PayloadRules.DeepestLevel + 1];
    byte[] _unescaped = [];
    int _keyCount, _unescapedCount, _level;

    public void Clear()
    {
        _keyCount = _unescapedCount = _level = 0;
        if (_keys.Length > WorthKeeping) _keys = new Key[64];
        if (_unescaped.Length > WorthKeeping) _unescaped = [];
        foreach (ref var level in _levels.AsSpan())
            if (level.Slots is { Length: > WorthKeeping }) level.Slots = null;
    }

    public void Open()
    {
        ref var level = ref _levels[++_level];
        (level.FirstKey, level.FirstUnescaped, level.Used) = (_keyCount, _unescapedCount, 0);
    }

    public void Close()
    {
        _keyCount = _levels[_level].FirstKey;
        _unescapedCount = _levels[_level].FirstUnescaped;
        _level--;
    }

    /// <summary>A place to unescape a key into, valid until the next call.</summary>
    public Span<byte> Unescaping(int length)
    {
        if (_unescaped.Length - _unescapedCount < length)
            Array.Resize(ref _unescaped, Math.Max(_unescapedCount + length, _unescaped.Length * 2));
        return _unescaped.AsSpan(_unescapedCount);
    }

    public bool AddUnescaped(ReadOnlySpan<byte> element, int length)
    {
        var offset = _unescapedCount;
        _unescapedCount += length;
        return Add(element, ~offset, length);
    }

    /// <summary>False when the innermost open object has this key already.</summary>
    public bool Add(ReadOnlySpan<byte> element, int offset, int length)
    {
        ref var level = ref _levels[_level];
        var key = new Key(offset, length, 0);
        var bytes = Bytes(element, key);
        if (_keyCount == _keys.Length) Array.Resize(ref _keys, _keys.Length * 2);
        if (_keyCount - level.FirstKey < MostWithoutIndex)
        {
            foreach (ref readonly var other in _keys.AsSpan(level.FirstKey.._keyCount))
                if (other.Length == length && bytes.SequenceEqual(Bytes(element, other))) return false;
            _keys[_keyCount++] = key;
            return true;
        }
        if ((_keyCount - level.FirstKey) * 2 >= level.Used) Reindex(element, ref level);
        key.Hash = HashOf(bytes);
        ref var slot = ref FindSlot(element, ref level, key.Hash, bytes, out var found);
        if (found) return false;
        _keys[_keyCount++] = key;
        slot = _keyCount;
        return true;
    }

    void Reindex(ReadOnlySpan<byte> element, ref Level level)
    {
        var hashed = level.Used > 0;
        level.Used = hashed ? level.Used * 2 : SmallestIndex;
        if (level.Slots is null || level.Slots.Length < level.Used) level.Slots = new int[level.Used];
        else level.Slots.AsSpan(0, level.Used).Clear();
        for (var i = level.FirstKey; i < _keyCount; i++)
        {
            ref var key = ref _keys[i];
            if (!hashed) key.Hash = HashOf(Bytes(element, key));
            var at = key.Hash & (level.Used - 1);
            while (level.Slots[at] != 0) at = (at + 1) & (level.Used - 1);
            level.Slots[at] = i + 1;
        }
    }

    ref int FindSlot(ReadOnlySpan<byte> element, ref Level level, int hash, ReadOnlySpan<byte> bytes, out bool found)
    {
        var slots = level.Slots!;
        var at = hash & (level.Used - 1);
        for (; slots[at] != 0; at = (at + 1) & (level.Used - 1))
        {
            ref readonly var other = ref _keys[slots[at] - 1];
            if (other.Hash != hash || other.Length != bytes.Length || !bytes.SequenceEqual(Bytes(element, other))) continue;
            found = true;
            return ref slots[at];
        }
        found = false;
        return ref slots[at];
    }

    ReadOnlySpan<byte> Bytes(ReadOnlySpan<byte> element, Key key) =>
        key.Offset >= 0 ? element.Slice(key.Offset, key.Length) : _unescaped.AsSpan(~key.Offset, key.Length);

    /// <summary>
    /// The string hash is keyed anew in every process and made against chosen collisions; bytes are hashed as if two were a char.
    /// </summary>
    static int HashOf(ReadOnlySpan<byte> key)
    {
        var hash = (uint)string.GetHashCode(MemoryMarshal.Cast<byte, char>(key));
        if ((key.Length & 1) != 0) hash += (key[^1] + 1u) * 0x9E3779B1;
        return (int)hash;
    }
}
