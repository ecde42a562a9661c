using System.Buffers.Binary;
using System.Globalization;
using Google.Protobuf;

namespace Hindcast.Infrastructure.EventLogs.EventStoreDb;

/// <summary>What became of a call, in gRPC's own numbers.</summary>
enum GrpcStatus
{
    Ok = 0, Cancelled = 1, Unknown = 2, InvalidArgument = 3, DeadlineExceeded = 4, NotFound = 5, AlreadyExists = 6, PermissionDenied = 7,
    FailedPrecondition = 9, Aborted = 10, Unimplemented = 12, Internal = 13, Unavailable = 14, Unauthenticated = 16,
}

/// <summary>A call that did not end well. The server names what it means in a trailer of its own, because the status alone is ambiguous.</summary>
sealed class GrpcFailure(GrpcStatus status, string message, IReadOnlyDictionary<string, string>? trailers = null, Exception? inner = null)
    : Exception($"{status}: {message}", inner)
{
    public GrpcStatus Status => status;

    public string? Trailer(string name) => trailers?.GetValueOrDefault(name);

    /// <summary>The server's word for it, such as <c>not-leader</c> or <c>stream-deleted</c>.</summary>
    public string? Reason => Trailer("exception");

    /// <summary>Asking again cannot help before somebody changes something.</summary>
    public bool IsRefusedLogin => status is GrpcStatus.Unauthenticated or GrpcStatus.PermissionDenied || Reason == "access-denied";

    public static GrpcFailure Unavailable(Exception cause) => new(GrpcStatus.Unavailable, Innermost(cause), inner: cause);

    static string Innermost(Exception e)
    {
        while (e.InnerException is { } inner) e = inner;
        return e.Message;
    }
}

/// <summary>gRPC's frame: a byte for compression (never used here), four for the length, the message.</summary>
static class GrpcFrame
{
    public const int HeaderSize = 5;

    public static void Write(IMessage message, System.Buffers.ArrayBufferWriter<byte> to)
    {
        var size = message.CalculateSize();
        var frame = to.GetSpan(HeaderSize + size)[..(HeaderSize + size)];
        frame[0] = 0;
        BinaryPrimitives.WriteUInt32BigEndian(frame[1..], (uint)size);
        message.WriteTo(frame[HeaderSize..]);
        to.Advance(frame.Length);
    }
}

/// <summary>Takes messages out of a body. What has arrived together is taken without waiting.</summary>
sealed class GrpcReader<T>(Stream body, MessageParser<T> parser) where T : IMessage<T>
{
    /// <summary>The largest event the server can hold, and its envelope.</summary>
    const int LongestMessage = 17 << 20;

    byte[] _buffer = new byte[64 << 10];
    int _start, _end;

    /// <summary>Null: the body is at its end.</summary>
    public async ValueTask<T?> NextAsync(CancellationToken ct)
    {
        while (true)
        {
            if (TryTake() is { } message) return message;
            if (_start > 0)
            {
                _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
                (_start, _end) = (0, _end - _start);
            }
            var read = await body.ReadAsync(_buffer.AsMemory(_end), ct);
            if (read == 0) return _end == 0 ? default : throw new GrpcFailure(GrpcStatus.Unavailable, "the answer was cut off in the middle of a message");
            _end += read;
        }
    }

    /// <summary>A message that is here already.</summary>
    public T? TryTake()
    {
        if (_end - _start < GrpcFrame.HeaderSize) return default;
        if (_buffer[_start] != 0) throw new GrpcFailure(GrpcStatus.Internal, "a compressed message, which was not asked for");
        var size = BinaryPrimitives.ReadUInt32BigEndian(_buffer.AsSpan(_start + 1));
        if (size > LongestMessage) throw new GrpcFailure(GrpcStatus.Internal, $"a message of {size} bytes");
        var whole = GrpcFrame.HeaderSize + (int)size;
        if (_end - _start < whole)
        {
            if (whole > _buffer.Length)
            {
                var larger = new byte[Math.Max(whole, _buffer.Length * 2)];
                _buffer.AsSpan(_start, _end - _start).CopyTo(larger);
                (_buffer, _start, _end) = (larger, 0, _end - _start);
            }
            return default;
        }
        var message = parser.ParseFrom(_buffer, _start + GrpcFrame.HeaderSize, (int)size);
        _start += whole;
        return message;
    }
}

/// <summary>How a call ended stands in the trailers, or in the headers when there was nothing else to say.</summary>
static class GrpcEnd
{
    public static void Check(HttpResponseMessage response)
    {
        var trailers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var (name, values) in response.Headers.NonValidated) trailers[name] = values.ToString();
        foreach (var (name, values) in response.TrailingHeaders.NonValidated) trailers[name] = values.ToString();
        if (!trailers.TryGetValue("grpc-status", out var text) || !int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var status))
            throw new GrpcFailure(GrpcStatus.Unavailable, "the answer ended without a status", trailers);
        if (status != 0) throw new GrpcFailure((GrpcStatus)status, Uri.UnescapeDataString(trailers.GetValueOrDefault("grpc-message", "")), trailers);
    }

    /// <summary>What a proxy or another server in its place answers is no gRPC.</summary>
    public static void CheckHead(HttpResponseMessage response)
    {
        if (response.StatusCode == System.Net.HttpStatusCode.OK && response.Content.Headers.ContentType?.MediaType is { } type && type.StartsWith("application/grpc", StringComparison.Ordinal)) return;
        var status = (int)response.StatusCode switch
        {
            401 => GrpcStatus.Unauthenticated,
            403 => GrpcStatus.PermissionDenied,
            404 => GrpcStatus.Unimplemented,
            _ => GrpcStatus.Unavailable,
        };
        throw new GrpcFailure(status, $"the server answered {(int)response.StatusCode}, which is no gRPC");
    }
}
