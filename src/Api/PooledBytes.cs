using System.Buffers;
using System.Numerics;

namespace Hindcast.Api;

/// <summary>
/// Bytes that grow in pooled memory and are counted against the budget: with what has arrived, never with what was announced.
/// </summary>
sealed class PooledBytes(InFlightBudget budget) : IDisposable
{
    const uint Smallest = 16 << 10;

    readonly byte[] _next = new byte[1];
    byte[] _bytes = [];
    int _length;

    public ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, _length);

    bool IsFull => _length == _bytes.Length;

    /// <summary>Room for the next bytes. When the memory is full it is for one byte, which shows whether there is more: only then it grows.</summary>
    public Memory<byte> Room(int limit) => IsFull || _length == limit ? _next : _bytes.AsMemory(_length, Math.Min(_bytes.Length, limit) - _length);

    /// <summary>Takes over what was put into the room; false when it goes beyond the limit.</summary>
    public bool TryAdvance(int count, int limit)
    {
        if (_length == limit) return count == 0;
        if (IsFull && count > 0)
        {
            Grow(limit);
            _bytes[_length] = _next[0];
        }
        _length += count;
        return true;
    }

    void Grow(int limit)
    {
        // The pool's own sizes, so that what is counted is what is held.
        var size = Math.Max(Smallest, BitOperations.RoundUpToPowerOf2((uint)Math.Min(_length * 2L, limit)));
        budget.Take(size);
        var larger = ArrayPool<byte>.Shared.Rent((int)size);
        _bytes.AsSpan(0, _length).CopyTo(larger);
        Release();
        _bytes = larger;
    }

    void Release()
    {
        if (_bytes.Length == 0) return;
        budget.Return(_bytes.Length);
        ArrayPool<byte>.Shared.Return(_bytes);
    }

    /// <summary>The bytes go back to the pool: nobody may look at them afterwards.</summary>
    public void Dispose()
    {
        Release();
        (_bytes, _length) = ([], 0);
    }
}
