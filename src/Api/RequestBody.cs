using Microsoft.AspNetCore.Http.Features;

namespace Hindcast.Api;

/// <summary>
/// A whole request body, decompressed, in pooled memory. Whoever reads it disposes of it, after everything that points into it is stored.
/// Every way in which a body can be bad is a <see cref="BadRequestBody"/>; a caller that goes away is an <see cref="IOException"/> or a
/// cancellation, and needs no answer.
/// </summary>
public sealed class RequestBody : IDisposable
{
    public const int DefaultLimit = 16 << 20;
    public const int CompressedLimit = 8 << 20;

    readonly PooledBytes _bytes;

    RequestBody(PooledBytes bytes) => _bytes = bytes;

    public ReadOnlyMemory<byte> Bytes => _bytes.Written;

    public void Dispose() => _bytes.Dispose();

    /// <param name="context">Its services know the <see cref="InFlightBudget"/>.</param>
    /// <param name="maxBytes">The limit after decompression.</param>
    /// <exception cref="BadRequestBody">413, 415, 400, 408 or 503.</exception>
    public static async Task<RequestBody> ReadAsync(HttpContext context, int maxBytes, CancellationToken cancellation)
    {
        var compressed = IsGzip(context.Request.Headers.ContentEncoding);
        var budget = context.RequestServices.GetRequiredService<InFlightBudget>();
        var received = await ReceiveAsync(context, compressed ? CompressedLimit : maxBytes, compressed, budget, cancellation);
        if (!compressed) return new(received);
        using (received) return new(Gzip.Decompress(received.Written, maxBytes, budget));
    }

    /// <summary>Brotli can hide 64 MiB in 106 bytes, and a list of codings multiplies: one coding, and only gzip.</summary>
    static bool IsGzip(string? encoding) => encoding switch
    {
        null => false,
        _ when encoding.Equals("identity", StringComparison.OrdinalIgnoreCase) => false,
        _ when encoding.Equals("gzip", StringComparison.OrdinalIgnoreCase) => true,
        _ => throw new BadRequestBody(StatusCodes.Status415UnsupportedMediaType, "unsupported_content_encoding",
            "A body comes plain or with the one content coding gzip."),
    };

    static async Task<PooledBytes> ReceiveAsync(
        HttpContext context, int limit, bool compressed, InFlightBudget budget, CancellationToken cancellation)
    {
        if (context.Request.ContentLength > limit) throw TooLarge(limit, compressed);
        // The limit is ours to keep and to name: the server's own would cut below it.
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } server) server.MaxRequestBodySize = null;

        var bytes = new PooledBytes(budget);
        try
        {
            while (true)
            {
                var read = await context.Request.Body.ReadAsync(bytes.Room(limit), cancellation);
                if (read == 0) return bytes;
                if (!bytes.TryAdvance(read, limit)) throw TooLarge(limit, compressed);
            }
        }
        catch (BadHttpRequestException refused)
        {
            bytes.Dispose();
            throw Translated(refused, limit, compressed);
        }
        catch (IOException failed) when (failed.InnerException is OverflowException)
        {
            // A chunk size beyond Kestrel's integer: the one framing fault it does not call a bad request.
            bytes.Dispose();
            throw Malformed();
        }
        catch
        {
            bytes.Dispose();
            throw;
        }
    }

    internal static BadRequestBody TooLarge(int limit, bool compressed) => new(StatusCodes.Status413PayloadTooLarge, "payload_too_large",
        $"The {(compressed ? "compressed " : "")}body is larger than {limit} bytes.");

    static BadRequestBody Translated(BadHttpRequestException refused, int limit, bool compressed) => refused.StatusCode switch
    {
        StatusCodes.Status413PayloadTooLarge => TooLarge(limit, compressed),
        StatusCodes.Status408RequestTimeout => new(StatusCodes.Status408RequestTimeout, "request_timeout", "The body arrived too slowly."),
        _ => Malformed(),
    };

    static BadRequestBody Malformed() =>
        new(StatusCodes.Status400BadRequest, "malformed_request", "The body broke off or its framing is not HTTP.");
}
