namespace Hindcast.Application.Gateway;

/// <summary>One question to one provider.</summary>
/// <param name="Headers">Those of the caller's that a provider may see; never the caller's key.</param>
public sealed record UpstreamCall(
    Provider Provider, Protocol Protocol, ReadOnlyMemory<byte> Body, bool Stream, IReadOnlyList<KeyValuePair<string, string>> Headers);

/// <summary>The way out to the providers. Adds the provider's key and nothing else.</summary>
public interface IUpstreams
{
    /// <summary>The answer as soon as its head is there; its body still has to come.</summary>
    /// <exception cref="HttpRequestException">The provider cannot be reached, or not be talked to.</exception>
    /// <exception cref="AddressRefused">It is at an address no call may go to.</exception>
    Task<UpstreamAnswer> SendAsync(UpstreamCall call, CancellationToken ct);
}

/// <summary>What a provider answers: its head, and a body that is read as it comes. Disposing of it breaks the call off at once.</summary>
public sealed class UpstreamAnswer(int status, string? contentType, IReadOnlyList<KeyValuePair<string, string>> headers, TimeSpan? retryAfter, Stream body,
    Func<ReadOnlyMemory<byte>, ReadOnlyMemory<byte>> withoutKey, IDisposable owner)
    : IDisposable
{
    public int Status => status;
    public string? ContentType => contentType;
    /// <summary>Those a caller may see.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers => headers;
    public TimeSpan? RetryAfter => retryAfter;
    public Stream Body => body;
    /// <summary>A body that a provider may have put its key into, to say that it is wrong.</summary>
    public ReadOnlyMemory<byte> WithoutKey(ReadOnlyMemory<byte> received) => withoutKey(received);

    public bool IsEventStream => contentType?.StartsWith("text/event-stream", StringComparison.OrdinalIgnoreCase) == true;

    public void Dispose() => owner.Dispose();
}

/// <summary>The name resolves to an address inside our own network.</summary>
public sealed class AddressRefused(string host) : Exception($"{host} is not at a public address; Hindcast__Upstreams__AllowPrivateNetworks allows it.");

/// <summary>Makes one protocol's request another's, and the answer to that the first one's again.</summary>
public interface ITranslation
{
    /// <summary>What callers speak.</summary>
    Protocol From { get; }
    /// <summary>What the provider speaks.</summary>
    Protocol To { get; }

    /// <exception cref="BadRequest">The request asks for what the other protocol does not know.</exception>
    ReadOnlyMemory<byte> Request(ReadOnlyMemory<byte> body, string model);

    ReadOnlyMemory<byte> Answer(ReadOnlyMemory<byte> body, DateTimeOffset now);

    ReadOnlyMemory<byte> Error(int status, ReadOnlyMemory<byte> body);

    /// <param name="withUsage">The caller asked for usage in the stream, where that has to be asked for.</param>
    IStreamRewrite Stream(bool withUsage, DateTimeOffset now);
}
