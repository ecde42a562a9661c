using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.ReadModels;
using Hindcast.Application.Traces;
using Hindcast.Domain.Traces;

namespace Hindcast.Application.Erasure;

/// <summary>
/// Contents of traces under AES-256-GCM. The key of a content follows from two: its trace's, and its user's where the fact names one. Destroying
/// either erases it, so a trace goes without touching its user's other traces, and a user without touching those who share a trace with them.
/// </summary>
/// <remarks>
/// <c>sealed_by</c> is <c>root</c> or <c>root.n</c>, where n counts how often that user was erased before. Stored is nonce, tag, ciphertext; the
/// event's id is bound to it, so contents cannot change places. Keys lately used stay in memory with their ciphers, 2 × 2,000 of them; none is read from the
/// vault for a subject that was never erased.
/// </remarks>
/// <param name="closes">False: what is new stays in clear, and what was sealed can still be opened.</param>
public sealed class SubjectSeal(ISubjectKeys keys, bool closes = true) : ISeal
{
    const int NonceBytes = 12, TagBytes = 16, MostKeys = 2_000;

    readonly record struct KeyName(string Root, string Trace, string? Subject, int Time);

    sealed class Kept(int destructions)
    {
        public int Destructions => destructions;
        public ConcurrentDictionary<KeyName, ContentKey> Young { get; set; } = new();
        public ConcurrentDictionary<KeyName, ContentKey> Old { get; set; } = new();
        /// <summary>Keys of users, who come back with trace after trace.</summary>
        public ConcurrentDictionary<(string Root, string Subject, int Time), byte[]> Users { get; set; } = new();
        public int Added;
    }

    volatile Kept _kept = new(keys.Destructions);

    /// <summary>A key and its cipher, which costs more to set up than a small content to close. One uses it at a time; who finds it taken makes another.</summary>
    sealed class ContentKey(byte[] bytes)
    {
        AesGcm? _idle;

        public byte[] Bytes => bytes;

        public AesGcm Take() => Interlocked.Exchange(ref _idle, null) ?? new(bytes, TagBytes);

        public void Return(AesGcm cipher) => Interlocked.Exchange(ref _idle, cipher)?.Dispose();

        public void Drop() => Interlocked.Exchange(ref _idle, null)?.Dispose();
    }

    [ThreadStatic] static (byte[]? Bytes, int Used) t_chance;

    /// <exception cref="TraceIsErased">Nothing can be added to it.</exception>
    public (ReadOnlyMemory<byte> Stored, string? SealedBy) Close(Header header, ReadOnlyMemory<byte> content)
    {
        if (!closes || header.TraceId is not { } trace || Tombstones.Marks(header)) return (content, null);
        var root = keys.RootOf(header.Project, header.RecordedAt.Week());
        ContentKey? key;
        int time;
        do
        {
            time = header.Subject is { } subject ? keys.TimesErased(header.Project, KeyOwner.User(subject)) : 0;
            if (keys.TimesErased(header.Project, KeyOwner.Trace(trace)) > 0) throw new TraceIsErased();
            if (!closes) return (content, null);
            // Null: somebody was erased between the question and this; ask again.
            key = KeyOf(root, new(root.Id, trace, header.Subject, time));
        }
        while (key is null);

        var stored = new byte[NonceBytes + TagBytes + content.Length];
        Nonce(stored.AsSpan(0, NonceBytes));
        Span<byte> id = stackalloc byte[16];
        header.EventId.TryWriteBytes(id);
        var cipher = key.Take();
        cipher.Encrypt(stored.AsSpan(0, NonceBytes), content.Span, stored.AsSpan(NonceBytes + TagBytes), stored.AsSpan(NonceBytes, TagBytes), id);
        key.Return(cipher);
        return (stored, time == 0 ? root.Id : $"{root.Id}.{time}");
    }

    /// <exception cref="UnreadableFact">It was sealed by another vault's key, or is not what was sealed.</exception>
    public ReadOnlyMemory<byte>? Open(Header header, ReadOnlyMemory<byte> stored)
    {
        if (header.SealedBy is not { } by) return IsErased(header) ? (ReadOnlyMemory<byte>?)null : stored;
        // Keys of what has expired go with those of their week; until then nobody reads it all the same.
        if (header.TraceId is { } gone && keys.TimesErased(header.Project, KeyOwner.Trace(gone)) > 0) return (ReadOnlyMemory<byte>?)null;
        if (PartsOf(by) is not var (id, time) || header.TraceId is not { } trace || stored.Length < NonceBytes + TagBytes || keys.Find(id) is not { } root) throw Unreadable();
        if (KeyOf(root, new(id, trace, header.Subject, time)) is not { } key) return (ReadOnlyMemory<byte>?)null;

        var box = stored.Span;
        var content = new byte[stored.Length - NonceBytes - TagBytes];
        Span<byte> eventId = stackalloc byte[16];
        header.EventId.TryWriteBytes(eventId);
        var cipher = key.Take();
        try
        {
            cipher.Decrypt(box[..NonceBytes], box[(NonceBytes + TagBytes)..], box.Slice(NonceBytes, TagBytes), content, eventId);
        }
        catch (CryptographicException)
        {
            throw Unreadable();
        }
        finally
        {
            key.Return(cipher);
        }
        return content;

        UnreadableFact Unreadable() => new($"the vault cannot open what '{by}' sealed");
    }

    public bool Knows(string sealedBy) => PartsOf(sealedBy) is var (id, _) && keys.Find(id) is not null;

    /// <summary>The root, and how often the user had been erased; null when it says neither.</summary>
    static (string Root, int Time)? PartsOf(string sealedBy)
    {
        var dot = sealedBy.IndexOf('.', StringComparison.Ordinal);
        if (dot < 0) return (sealedBy, 0);
        return int.TryParse(sealedBy.AsSpan(dot + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var time) ? (sealedBy[..dot], time) : null;
    }

    /// <summary>Recorded in clear, before contents were sealed, about somebody who was erased since: there for who reads the file, and for nobody else.</summary>
    bool IsErased(Header header) => header.TraceId is { } trace && !Tombstones.Marks(header)
        && (keys.TimesErased(header.Project, KeyOwner.Trace(trace)) > 0
            || (header.Subject is { } subject && keys.TimesErased(header.Project, KeyOwner.User(subject)) > 0));

    ContentKey? KeyOf(KeyRoot root, KeyName name)
    {
        var kept = _kept;
        if (kept.Destructions != keys.Destructions) kept = _kept = new(keys.Destructions);
        if (kept.Young.TryGetValue(name, out var key)) return key;
        if (!kept.Old.TryRemove(name, out key))
        {
            if (BytesOf(kept, root, name) is not { } bytes) return null;
            key = new(bytes);
        }
        // What was asked before a destruction is put where nobody looks any more.
        kept.Young[name] = key;
        if (Interlocked.Increment(ref kept.Added) == MostKeys) Turn(kept);
        return key;
    }

    /// <summary>A trace's own key, or the one it has with a user; both are made of what lies near, for a trace comes back, and a user in trace after trace.</summary>
    byte[]? BytesOf(Kept kept, KeyRoot root, KeyName name)
    {
        if (name.Subject is not { } subject) return keys.KeyOf(root, KeyOwner.Trace(name.Trace), 0);
        return UserKeyOf(kept, root, subject, name.Time) is { } ofUser && KeyOf(root, new(name.Root, name.Trace, null, 0)) is { } ofTrace
            ? SHA256.HashData([.. ofUser, .. ofTrace.Bytes])
            : null;
    }

    byte[]? UserKeyOf(Kept kept, KeyRoot root, string subject, int time)
    {
        if (kept.Users.TryGetValue((root.Id, subject, time), out var key)) return key;
        key = keys.KeyOf(root, KeyOwner.User(subject), time);
        if (key is not null) kept.Users[(root.Id, subject, time)] = key;
        return key;
    }

    static void Turn(Kept kept)
    {
        var gone = kept.Old;
        (kept.Old, kept.Young, kept.Users) = (kept.Young, new(), new());
        Volatile.Write(ref kept.Added, 0);
        foreach (var key in gone.Values) key.Drop();
    }

    /// <summary>Chance by the page: asked for twelve bytes at a time it costs as much as the cipher.</summary>
    static void Nonce(Span<byte> nonce)
    {
        var (chance, used) = t_chance;
        if (chance is null || used == chance.Length)
        {
            RandomNumberGenerator.Fill(chance ??= new byte[NonceBytes * 256]);
            used = 0;
        }
        chance.AsSpan(used, NonceBytes).CopyTo(nonce);
        t_chance = (chance, used + NonceBytes);
    }
}
