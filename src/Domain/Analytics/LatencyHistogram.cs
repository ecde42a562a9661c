namespace Hindcast.Domain.Analytics;

/// <summary>
/// Durations counted in buckets that grow by 2 %, so that any percentile is within 1 % of the true one. Histograms add and subtract
/// exactly: a correction takes a value out again, and hours are the sum of their minutes.
/// </summary>
public sealed class LatencyHistogram
{
    const double RelativeError = 0.01;
    static readonly double LogOfGrowth = Math.Log((1 + RelativeError) / (1 - RelativeError));

    readonly SortedDictionary<int, long> _counts = [];

    public long Count => _counts.Values.Sum();

    /// <param name="micros">Duration in µs.</param>
    /// <param name="times">How often; negative takes it out.</param>
    public void Add(long micros, long times = 1)
    {
        var bucket = micros < 1 ? 0 : 1 + (int)Math.Ceiling(Math.Log(micros) / LogOfGrowth);
        var count = _counts.GetValueOrDefault(bucket) + times;
        if (count == 0) _counts.Remove(bucket);
        else _counts[bucket] = count;
    }

    public void Add(LatencyHistogram other)
    {
        foreach (var (bucket, count) in other._counts) _counts[bucket] = _counts.GetValueOrDefault(bucket) + count;
    }

    /// <summary>The nearest-rank percentile in µs, null when nothing was counted.</summary>
    public double? Percentile(double percent)
    {
        var rank = (long)Math.Ceiling(percent / 100 * Count);
        foreach (var (bucket, count) in _counts)
        {
            rank -= count;
            if (rank <= 0) return bucket == 0 ? 0 : Math.Exp((bucket - 1) * LogOfGrowth) * (1 - RelativeError);
        }
        return null;
    }

    /// <summary>Buckets and counts as variable-length integers, in order: equal histograms have equal bytes.</summary>
    public byte[] ToBytes()
    {
        using var bytes = new MemoryStream(_counts.Count * 3);
        using var writer = new BinaryWriter(bytes);
        foreach (var (bucket, count) in _counts)
        {
            writer.Write7BitEncodedInt(bucket);
            writer.Write7BitEncodedInt64(count);
        }
        return bytes.ToArray();
    }

    public static LatencyHistogram Of(ReadOnlySpan<byte> bytes)
    {
        var histogram = new LatencyHistogram();
        using var reader = new BinaryReader(new MemoryStream(bytes.ToArray()));
        while (reader.BaseStream.Position < reader.BaseStream.Length)
            histogram._counts[reader.Read7BitEncodedInt()] = reader.Read7BitEncodedInt64();
        return histogram;
    }
}
