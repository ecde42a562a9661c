namespace Hindcast.Domain.Analytics;

/// <summary>
/// Durations counted in buckets that grow by 2 %, so that any percentile is within 1 % of the true one. Histograms add and subtract
/// exactly: a correction takes a value out again, and hours are the sum of their minutes.
/// </summary>
public sealed class LatencyHistogram
{
    const int Room = 8;
    const double RelativeError = 0.01;
    static readonly double LogOfGrowth = Math.Log((1 + RelativeError) / (1 - RelativeError));

    // The counts of neighbouring buckets from _first on: durations of one kind of call lie close together.
    long[] _counts = [];
    int _first;

    public long Count { get; private set; }

    /// <param name="micros">Duration in µs.</param>
    /// <param name="times">How often; negative takes it out.</param>
    public void Add(long micros, long times = 1) => AddTo(micros < 1 ? 0 : 1 + (int)Math.Ceiling(Math.Log(micros) / LogOfGrowth), times);

    /// <summary>Adds what <see cref="ToBytes"/> gave.</summary>
    public void Add(ReadOnlySpan<byte> bytes)
    {
        // As many counts as there may be: one that is the first of a sum need not grow into it.
        if (_counts.Length == 0 && bytes.Length > 0)
        {
            var start = 0;
            (_first, _counts) = ((int)Take(bytes, ref start), new long[Math.Max(Room, bytes.Length / 2)]);
        }
        for (var at = 0; at < bytes.Length;)
        {
            var bucket = (int)Take(bytes, ref at);
            AddTo(bucket, (long)Take(bytes, ref at));
        }
    }

    /// <summary>The nearest-rank percentile in µs, null when nothing was counted.</summary>
    public double? Percentile(double percent)
    {
        if (Count <= 0) return null;
        var rank = NearestRank.Of(percent, Count);
        for (var i = 0; ; i++)
        {
            rank -= _counts[i];
            // The middle of a bucket, as far from its lower end as from its upper one by ratio.
            if (rank <= 0) return _first + i == 0 ? 0 : Math.Exp((_first + i - 1) * LogOfGrowth) * (1 - RelativeError);
        }
    }

    /// <summary>Buckets and counts as variable-length integers, in order: equal histograms have equal bytes.</summary>
    public byte[] ToBytes()
    {
        var bytes = new List<byte>(64);
        for (var i = 0; i < _counts.Length; i++)
        {
            if (_counts[i] == 0) continue;
            Put(bytes, (ulong)(_first + i));
            Put(bytes, (ulong)_counts[i]);
        }
        return [.. bytes];
    }

    public static LatencyHistogram Of(ReadOnlySpan<byte> bytes)
    {
        var histogram = new LatencyHistogram();
        histogram.Add(bytes);
        return histogram;
    }

    void AddTo(int bucket, long times)
    {
        if ((uint)(bucket - _first) >= (uint)_counts.Length) MakeRoomFor(bucket);
        _counts[bucket - _first] += times;
        Count += times;
    }

    void MakeRoomFor(int bucket)
    {
        if (_counts.Length == 0) (_first, _counts) = (bucket, new long[Room]);
        else if (bucket < _first)
        {
            var first = bucket - Math.Min(bucket, _counts.Length / 2);
            _counts = [.. new long[_first - first], .. _counts];
            _first = first;
        }
        else Array.Resize(ref _counts, Math.Max(bucket - _first + Room, 2 * _counts.Length));
    }

    static void Put(List<byte> bytes, ulong number)
    {
        for (; number >= 0x80; number >>= 7) bytes.Add((byte)(number | 0x80));
        bytes.Add((byte)number);
    }

    static ulong Take(ReadOnlySpan<byte> bytes, ref int at)
    {
        // Almost every number is one byte or two.
        var next = bytes[at++];
        if (next < 0x80) return next;
        var number = next & 0x7fUL;
        for (var shift = 7; ; shift += 7)
        {
            next = bytes[at++];
            number |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80) return number;
        }
    }
}

/// <summary>The percentile everywhere: of n values in order, the one whose place is the least that covers the share.</summary>
public static class NearestRank
{
    /// <summary>The place, from 1.</summary>
    public static long Of(double percent, long count) => Math.Clamp((long)Math.Ceiling(percent * count / 100), 1, count);
}
