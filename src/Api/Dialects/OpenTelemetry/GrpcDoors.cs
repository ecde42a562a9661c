using System.Buffers.Binary;
using Google.Protobuf;
using MediatR;

namespace Hindcast.Api.Dialects.OpenTelemetry;

/// <summary>
/// OTLP over gRPC: one message in, one message out, on HTTP/2. The doors are routes like any other, so that keys, limits and refusals are the
/// house's; only frames and trailers are gRPC's (<c>5 bytes: compressed?, length</c>, then the message).
/// </summary>
internal static class GrpcDoors
{
    public const string ContentType = "application/grpc";

    const int FrameHeader = 5;

    public static Task TracesAsync(HttpContext http, IMediator mediator, OtlpDropped dropped) => ExportAsync(OtlpSignal.Traces, http, mediator, dropped);

    public static Task LogsAsync(HttpContext http, IMediator mediator, OtlpDropped dropped) => ExportAsync(OtlpSignal.Logs, http, mediator, dropped);

    public static Task MetricsAsync(HttpContext http, IMediator mediator, OtlpDropped dropped) => ExportAsync(OtlpSignal.Metrics, http, mediator, dropped);

    static async Task ExportAsync(OtlpSignal signal, HttpContext http, IMediator mediator, OtlpDropped dropped)
    {
        if (!GrpcStatus.IsCall(http.Request) || !http.Response.SupportsTrailers())
            throw new BadRequestBody(StatusCodes.Status415UnsupportedMediaType, "unsupported_media_type", $"This is gRPC: {ContentType} over HTTP/2.");
        using var body = await RequestBody.ReadAsync(http, RequestBody.DefaultLimit + FrameHeader, http.RequestAborted);
        using var inflated = Inflated(http, body.Bytes);
        var answer = await OtlpDoors.TakeAsync(signal, http, inflated?.Written ?? body.Bytes[FrameHeader..], json: false, mediator, dropped);

        http.Response.ContentType = ContentType;
        var frame = new byte[FrameHeader + answer.CalculateSize()];
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(1), (uint)answer.CalculateSize());
        answer.WriteTo(frame.AsSpan(FrameHeader));
        await http.Response.Body.WriteAsync(frame, http.RequestAborted);
        http.Response.AppendTrailer("grpc-status", "0");
    }

    /// <summary>The message of a compressed frame; null where the frame holds it as it is.</summary>
    static PooledBytes? Inflated(HttpContext http, ReadOnlyMemory<byte> body)
    {
        if (body.Length < FrameHeader || BinaryPrimitives.ReadUInt32BigEndian(body.Span[1..]) != body.Length - FrameHeader || body.Span[0] > 1)
            throw new BadRequestBody(StatusCodes.Status400BadRequest, "malformed_request", "A call has one message, in one whole frame.");
        if (body.Span[0] == 0) return null;
        if (http.Request.Headers["grpc-encoding"] != "gzip")
            throw new BadRequestBody(StatusCodes.Status415UnsupportedMediaType, "unsupported_content_encoding", "Messages come plain or with gzip.");
        return Gzip.Decompress(body[FrameHeader..], RequestBody.DefaultLimit, http.RequestServices.GetRequiredService<InFlightBudget>());
    }
}
