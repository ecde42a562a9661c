using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Runtime.CompilerServices;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Google.Protobuf;
using Hindcast.Infrastructure.EventLogs.EventStoreDb.Wire;
using Timeout = System.Threading.Timeout;

namespace Hindcast.Infrastructure.EventLogs.EventStoreDb;

/// <summary>
/// One server of the log and the five calls that are made to it: all that is known of gRPC and HTTP/2 stays in here and in the frames beside
/// it, so that the vendor's own package can take this place (ADR 0010).
/// </summary>
sealed class Node : IDisposable
{
    const string Streams = "/event_store.client.streams.Streams/";
    static readonly TimeSpan s_connect = TimeSpan.FromSeconds(2);
    static readonly MediaTypeHeaderValue s_grpc = new("application/grpc");

    readonly HttpMessageInvoker _http;
    readonly Uri _address;
    readonly ConnectionString _settings;

    public Node(EndPoint at, ConnectionString settings)
    {
        (At, _settings) = (at, settings);
        _address = new($"{(settings.Tls ? "https" : "http")}://{at}");
        var handler = new SocketsHttpHandler
        {
            EnableMultipleHttp2Connections = true,
            ConnectTimeout = s_connect,
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            InitialHttp2StreamWindowSize = 1 << 20,
        };
        if (settings.KeepAliveInterval is { } interval)
            (handler.KeepAlivePingDelay, handler.KeepAlivePingTimeout, handler.KeepAlivePingPolicy) = (interval, settings.KeepAliveTimeout, HttpKeepAlivePingPolicy.Always);
        if (settings.Tls) handler.SslOptions = Tls(settings);
        _http = new(handler);
    }

    public EndPoint At { get; }

    public Task<SupportedMethods> SupportedMethodsAsync(TimeSpan patience, CancellationToken ct) =>
        AskAsync("/event_store.client.server_features.ServerFeatures/GetSupportedMethods", SupportedMethods.Parser, patience < _settings.Deadline ? patience : _settings.Deadline, ct);

    public Task<ClusterInfo> GossipAsync(CancellationToken ct) =>
        AskAsync("/event_store.client.gossip.Gossip/Read", ClusterInfo.Parser, _settings.GossipTimeout, ct);

    /// <summary>Reads, or subscribes; ends where the server ends it. Without an answer, not even its head, for as long as <paramref name="patience"/>: fails.</summary>
    public async IAsyncEnumerable<ReadResp> ReadAsync(
        ReadReq.Types.Options options, bool leader, TimeSpan patience, [EnumeratorCancellation] CancellationToken ct)
    {
        options.UuidOption = new() { Structured = new() };
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(ct);
        waiting.CancelAfter(patience);
        using var response = await SendAsync(Streams + "Read", new FrameContent(new ReadReq { Options = options }), leader, ct, waiting.Token);
        using var body = await response.Content.ReadAsStreamAsync(ct);
        var reader = new GrpcReader<ReadResp>(body, ReadResp.Parser);
        var subscribed = options.ExtentCase == ReadReq.Types.Options.ExtentOneofCase.Subscription;
        var first = true;
        while (true)
        {
            if (reader.TryTake() is not { } message)
            {
                // A subscription may be silent for hours once it has been confirmed; whether anybody is there is for the pings to find out.
                waiting.CancelAfter(subscribed && !first ? Timeout.InfiniteTimeSpan : patience);
                if (await GuardedAsync(() => reader.NextAsync(waiting.Token), ct) is not { } awaited) break;
                message = awaited;
                // Nobody waits for the server while the caller is at work.
                waiting.CancelAfter(Timeout.InfiniteTimeSpan);
            }
            first = false;
            yield return message;
        }
        GrpcEnd.Check(response);
    }

    /// <summary>
    /// The duplex call that carries every append: <paramref name="write"/> puts frames on it for as long as it likes, <paramref name="answered"/>
    /// gets what comes back. Returns or fails when the call is over, whoever ended it.
    /// </summary>
    public async Task BatchAppendAsync(Func<Stream, CancellationToken, Task> write, Action<BatchAppendResp> answered, CancellationToken ct)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(ct);
        using var response = await SendAsync(Streams + "BatchAppend", new DuplexContent(write, over.Token), leader: true, ct, ct);
        try
        {
            using var body = await response.Content.ReadAsStreamAsync(ct);
            var reader = new GrpcReader<BatchAppendResp>(body, BatchAppendResp.Parser);
            while (await GuardedAsync(() => reader.NextAsync(ct), ct) is { } message) answered(message);
            GrpcEnd.Check(response);
        }
        finally
        {
            await over.CancelAsync();
        }
    }

    public void Dispose() => _http.Dispose();

    async Task<T> AskAsync<T>(string path, MessageParser<T> parser, TimeSpan deadline, CancellationToken ct) where T : class, IMessage<T>
    {
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(ct);
        waiting.CancelAfter(deadline);
        using var response = await SendAsync(path, new FrameContent(new Empty()), leader: false, ct, waiting.Token);
        var reader = new GrpcReader<T>(await response.Content.ReadAsStreamAsync(waiting.Token), parser);
        var answer = await GuardedAsync(() => reader.NextAsync(waiting.Token), ct);
        if (answer is not null) await GuardedAsync(() => reader.NextAsync(waiting.Token), ct);
        GrpcEnd.Check(response);
        return answer ?? throw new GrpcFailure(GrpcStatus.Internal, "an answer without a message");
    }

    async Task<HttpResponseMessage> SendAsync(string path, HttpContent content, bool leader, CancellationToken ct, CancellationToken waiting)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_address, path))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = content,
        };
        content.Headers.ContentType = s_grpc;
        request.Headers.TE.Add(new("trailers"));
        request.Headers.Add("requires-leader", leader ? "true" : "false");
        if (_settings.ConnectionName is { } name) request.Headers.TryAddWithoutValidation("connection-name", name);
        if (_settings.User is { } user)
            request.Headers.Authorization = new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{_settings.Password}")));
        var response = await GuardedAsync(() => new ValueTask<HttpResponseMessage>(_http.SendAsync(request, waiting)), ct);
        try
        {
            GrpcEnd.CheckHead(response);
            return response;
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    /// <summary>Every way in which a connection fails is one: the server is not to be had. The caller's own cancellation stays what it is.</summary>
    static async ValueTask<T> GuardedAsync<T>(Func<ValueTask<T>> step, CancellationToken ct)
    {
        try
        {
            return await step();
        }
        catch (Exception e) when (e is HttpRequestException or IOException or ObjectDisposedException)
        {
            throw GrpcFailure.Unavailable(e);
        }
        catch (OperationCanceledException e) when (!ct.IsCancellationRequested)
        {
            throw new GrpcFailure(GrpcStatus.DeadlineExceeded, "the server did not answer in time", inner: e);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new GrpcFailure(GrpcStatus.Internal, "the answer could not be read", inner: e);
        }
    }

    static SslClientAuthenticationOptions Tls(ConnectionString settings)
    {
        var tls = new SslClientAuthenticationOptions();
        if (!settings.VerifyCertificate) tls.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
        else if (settings.CaFile is { } ca)
        {
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.ImportFromPemFile(ca);
            tls.CertificateChainPolicy = policy;
        }
        if (settings.UserCertificate is var (certificate, key)) tls.ClientCertificates = [X509Certificate2.CreateFromPemFile(certificate, key)];
        return tls;
    }

    /// <summary>One message, and the end of the request.</summary>
    sealed class FrameContent(IMessage message) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            var frame = new System.Buffers.ArrayBufferWriter<byte>(256);
            GrpcFrame.Write(message, frame);
            return stream.WriteAsync(frame.WrittenMemory).AsTask();
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }

    sealed class DuplexContent(Func<Stream, CancellationToken, Task> write, CancellationToken over) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => write(stream, over);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            using var both = CancellationTokenSource.CreateLinkedTokenSource(over, cancellationToken);
            await write(stream, both.Token);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
