namespace Hindcast.Application.EventSourcing;

/// <summary>
/// Closes contents under a key of their subject (the named user, else the trace), so that destroying the key erases them while the hash
/// chain, which is over stored bytes, still holds. Facts tell by <see cref="Header.SealedBy"/> whether they are closed, and under which key;
/// clear and sealed facts can stand in one log.
/// </summary>
public interface ISeal
{
    /// <summary>The bytes to store, and the key they are closed with; null leaves them clear.</summary>
    (ReadOnlyMemory<byte> Stored, string? SealedBy) Close(Header header, ReadOnlyMemory<byte> content);

    /// <summary>The content again; null when its key is gone, and the content with it.</summary>
    ReadOnlyMemory<byte>? Open(Header header, ReadOnlyMemory<byte> stored);

    /// <summary>Whether the key was ever here, destroyed since or not; one that never was is another vault's.</summary>
    /// <param name="sealedBy">As <see cref="Header.SealedBy"/> says it.</param>
    bool Knows(string sealedBy);
}

/// <summary>Contents stay clear; one that was sealed elsewhere cannot be opened here.</summary>
public sealed class Unsealed : ISeal
{
    public (ReadOnlyMemory<byte> Stored, string? SealedBy) Close(Header header, ReadOnlyMemory<byte> content) => (content, null);

    // The cast matters: a bare null would become an empty memory, which is not the same as none.
    public ReadOnlyMemory<byte>? Open(Header header, ReadOnlyMemory<byte> stored) => header.SealedBy is null ? stored : (ReadOnlyMemory<byte>?)null;

    public bool Knows(string sealedBy) => false;
}
