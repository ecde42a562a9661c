using System.Security.Cryptography;
using System.Text;

namespace Hindcast.Application.EventSourcing;

/// <summary>Ids of events. What a sender calls an event becomes a UUID, because that is what every log engine keys on.</summary>
public static class EventIds
{
    static readonly byte[] Namespace = new Guid("5f0c1c1e-6a2b-4d0e-9d55-0f6a1a8f7c21").ToByteArray(bigEndian: true);

    /// <summary>A sender's id: a UUID in canonical form stays itself, any other text becomes its UUIDv5.</summary>
    public static Guid Of(string text) =>
        Guid.TryParseExact(text, "D", out var id) && string.Equals(id.ToString("D"), text, StringComparison.Ordinal)
            ? id
            : Of(Encoding.UTF8.GetBytes(text));

    /// <summary>UUIDv5 over parts that are joined so that no two lists of parts are the same bytes.</summary>
    public static Guid Of(params ReadOnlySpan<byte[]> parts)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        sha.AppendData(Namespace);
        foreach (var part in parts)
        {
            sha.AppendData(BitConverter.GetBytes(part.Length));
            sha.AppendData(part);
        }
        return Version5(sha.GetHashAndReset());
    }

    /// <summary>The text form of a span id the server gives: made from the event's id, so that a repeated event has the same span.</summary>
    public static string SpanOf(Guid eventId)
    {
        const string Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        Span<byte> bytes = stackalloc byte[16];
        eventId.TryWriteBytes(bytes);
        // Each half by itself: 11 digits hold 64 bits, and dividing 128 of them costs more than the rest of the event.
        Span<char> text = stackalloc char[22];
        for (var half = 0; half < 2; half++)
        {
            var number = BitConverter.ToUInt64(bytes[(half * 8)..]);
            for (var i = (half * 11) + 10; i >= half * 11; i--) (number, text[i]) = (number / 62, Alphabet[(int)(number % 62)]);
        }
        return string.Concat("span_", text);
    }

    static Guid Version5(byte[] hash)
    {
        hash[6] = (byte)((hash[6] & 0x0f) | 0x50);
        hash[8] = (byte)((hash[8] & 0x3f) | 0x80);
        return new(hash.AsSpan(0, 16), bigEndian: true);
    }
}
