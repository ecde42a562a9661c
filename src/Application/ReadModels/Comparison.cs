namespace Hindcast.Application.ReadModels;

/// <summary>
/// Two generations of one shape as they stood at one position, compared table by table while both go on: rows are counted, and hashed in
/// their canonical form.
/// </summary>
sealed class Comparison(ReadDb before, ReadDb after) : IAsyncDisposable
{
    /// <summary>To be called while both stand at the same position.</summary>
    public static async Task<Comparison> BeginAsync(IReadStore store, Projection projection, Generation old, Generation made, CancellationToken ct)
    {
        var before = await store.SnapshotAsync(projection, old.Number, ct);
        try
        {
            return new(before, await store.SnapshotAsync(projection, made.Number, ct));
        }
        catch
        {
            await before.DisposeAsync();
            throw;
        }
    }

    /// <summary>What differs, in words; nothing when nothing does.</summary>
    public async Task<IReadOnlyList<string>> DifferencesAsync(CancellationToken ct)
    {
        var (was, now) = (await CanonicalDump.TablesAsync(before, ct), await CanonicalDump.TablesAsync(after, ct));
        var differences = new List<string>();
        foreach (var (table, (sha, rows)) in now)
        {
            var (oldSha, oldRows) = was[table];
            if (rows != oldRows) differences.Add($"{table}: {oldRows} rows were there, {rows} follow from the log.");
            else if (sha != oldSha) differences.Add($"{table}: some of the {rows} rows were not what follows from the log.");
        }
        return differences;
    }

    public async ValueTask DisposeAsync()
    {
        await before.DisposeAsync();
        await after.DisposeAsync();
    }
}
