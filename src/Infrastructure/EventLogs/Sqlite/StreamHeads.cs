namespace Hindcast.Infrastructure.EventLogs.Sqlite;

/// <summary>Where a stream ends, as the writer knows it. Changed inside a transaction; thrown away when that fails.</summary>
sealed class StreamHead(long id, long revision, uint seed)
{
    public long Id => id;
    public uint Seed => seed;
    public long Revision { get; set; } = revision;
}

/// <summary>
/// The last few ten thousand things that were asked for. Two generations: when the young one is full it becomes the old one, and what was
/// not asked for meanwhile is forgotten. Bounded, and no list to keep in order.
/// </summary>
sealed class Recent<TKey, TValue>(int generation) where TKey : notnull where TValue : class
{
    Dictionary<TKey, TValue> _young = new(), _old = new();

    public TValue? Find(TKey key)
    {
        if (_young.TryGetValue(key, out var value)) return value;
        if (!_old.TryGetValue(key, out value)) return null;
        Add(key, value);
        return value;
    }

    public void Add(TKey key, TValue value)
    {
        if (_young.Count >= generation) (_old, _young) = (_young, new());
        _young[key] = value;
    }
}
