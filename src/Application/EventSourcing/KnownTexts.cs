using System.Text;

namespace Hindcast.Application.EventSourcing;

/// <summary>
/// Short texts that come again and again (types, projects, models): each is made a string once and then found by its bytes. A slot holds the
/// last text that fell into it, so the memory is bounded whatever comes. One for each thread.
/// </summary>
public sealed class KnownTexts
{
    const int Slots = 512, Longest = 64;

    [ThreadStatic] static KnownTexts? t_mine;

    readonly (byte[] Utf8, string Text)[] _slots = new (byte[], string)[Slots];

    public static string Of(ReadOnlySpan<byte> utf8) => utf8.Length is 0 or > Longest ? Encoding.UTF8.GetString(utf8) : (t_mine ??= new()).Find(utf8);

    string Find(ReadOnlySpan<byte> utf8)
    {
        var hash = new HashCode();
        hash.AddBytes(utf8);
        ref var slot = ref _slots[hash.ToHashCode() & (Slots - 1)];
        if (slot.Utf8 is null || !utf8.SequenceEqual(slot.Utf8)) slot = (utf8.ToArray(), Encoding.UTF8.GetString(utf8));
        return slot.Text;
    }
}
