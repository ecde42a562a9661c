using System.IO.Compression;
using System.Text;
using Hindcast.Api;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Hindcast.Domain;

namespace Hindcast.Unit;

/// <summary>B9 and the limits of bodies: all of it, or a named refusal, and never half.</summary>
public sealed class RequestBodyTests
{
    readonly ServiceProvider _services = new ServiceCollection().AddSingleton<InFlightBudget>().BuildServiceProvider();

    InFlightBudget Budget => _services.GetRequiredService<InFlightBudget>();

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0), InlineData(1), InlineData(999), InlineData(1_000), InlineData(16_384), InlineData(16_385), InlineData(100_000), InlineData(1 << 20)]
    public async Task A_body_arrives_whole_plain_or_gzipped_with_a_length_or_without(int length)
    {
        var body = Noise(length);
        foreach (var coding in new[] { null, "identity", "IDENTITY", "gzip", "GZip" })
        {
            var sent = coding is null || coding[0] is 'i' or 'I' ? body : Zip(body);
            foreach (var announced in new[] { (long?)null, sent.Length })
            {
                foreach (var piece in new[] { 1 + length / 50, int.MaxValue })
                {
                    using var read = await RequestBody.ReadAsync(Request(new Pieces(sent, piece), coding, announced), 1 << 20, Cancellation);
                    read.Bytes.ToArray().Should().Equal(body);
                    Budget.InUse.Should().BeGreaterThanOrEqualTo(length);
                }
                Budget.InUse.Should().Be(0);
            }
        }
    }

    [Theory]
    [InlineData(10), InlineData(16_384), InlineData(50_000), InlineData(65_536)]
    public async Task The_limit_is_allowed_and_one_byte_more_is_413_that_names_it(int limit)
    {
        foreach (var zipped in new[] { false, true })
        {
            foreach (var piece in new[] { 7_000, int.MaxValue })
            {
                byte[] Sent(int length) => zipped ? Zip(Noise(length)) : Noise(length);
                var coding = zipped ? "gzip" : null;
                using (var read = await RequestBody.ReadAsync(Request(new Pieces(Sent(limit), piece), coding), limit, Cancellation)) read.Bytes.Length.Should().Be(limit);
                using (var read = await RequestBody.ReadAsync(Request(new Pieces(Sent(limit - 1), piece), coding), limit, Cancellation)) read.Bytes.Length.Should().Be(limit - 1);
                await Refused(Request(new Pieces(Sent(limit + 1), piece), coding), 413, "payload_too_large", limit, $"*{limit} bytes*");
            }
        }
    }

    [Fact]
    public async Task A_length_beyond_the_limit_is_refused_before_a_byte_is_read()
    {
        var body = new Pieces([], 1);
        await Refused(Request(body, null, 1_001), 413, "payload_too_large", 1_000);
        await Refused(Request(body, "gzip", RequestBody.CompressedLimit + 1), 413, "payload_too_large", 1_000, "The compressed body is larger than 8388608 bytes.");
        body.Reads.Should().Be(0);
    }

    [Fact]
    public async Task A_gzip_bomb_stops_at_the_limit()
    {
        var bomb = Zip(new byte[200 << 20], CompressionLevel.SmallestSize);
        bomb.Length.Should().BeLessThan(300_000);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var refused = Refused(Request(new Pieces(bomb, int.MaxValue), "gzip"), 413, "payload_too_large", 1 << 20);
        refused.IsCompleted.Should().BeTrue("it never left this thread, whose allocations are counted");
        (GC.GetAllocatedBytesForCurrentThread() - before).Should().BeLessThan(16 << 20);
        await refused;
    }

    [Theory]
    [InlineData("br"), InlineData("zstd"), InlineData("deflate"), InlineData("x-gzip"), InlineData("gzip, gzip"), InlineData("gzip,identity"), InlineData("identity, gzip"), InlineData("*"), InlineData(""), InlineData("gzip;q=1"), InlineData("nothing")]
    public Task Any_other_coding_is_415(string coding) => Refused(Request(new Pieces(Zip(Noise(10)), 100), coding), 415, "unsupported_content_encoding");

    [Fact]
    public async Task Two_lines_of_codings_are_a_list()
    {
        var context = Request(new Pieces(Zip(Noise(10)), 100), "gzip");
        context.Request.Headers.ContentEncoding = new(["gzip", "gzip"]);
        await Refused(context, 415, "unsupported_content_encoding");
    }

    [Fact]
    public async Task Gzip_cut_anywhere_is_400()
    {
        var whole = Zip(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 3_000).Select(i => $"{{\"line\":{i}}}\n"))));
        foreach (var length in Enumerable.Range(0, 40).Concat(Enumerable.Range(1, 60).Select(i => whole.Length * i / 61)).Concat(Enumerable.Range(whole.Length - 40, 40)))
            await Refused(Request(new Pieces(whole[..length], 1_000), "gzip"), 400, "corrupt_encoding");
    }

    [Fact]
    public async Task Gzip_changed_anywhere_is_400_or_reads_the_same()
    {
        var body = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 300).Select(i => $"{{\"line\":{i}}}\n")));
        var whole = Zip(body);
        for (var bit = 0; bit < whole.Length * 8; bit++)
        {
            var changed = whole.ToArray();
            changed[bit / 8] ^= (byte)(1 << (bit % 8));
            try
            {
                using var read = await RequestBody.ReadAsync(Request(new Pieces(changed, int.MaxValue), "gzip"), 1 << 20, Cancellation);
                read.Bytes.Span.SequenceEqual(body).Should().BeTrue($"bit {bit}");
                (bit / 8 < 10 || bit / 8 == whole.Length - 9).Should().BeTrue("only time, system, hints and the padding of the last byte do not matter");
            }
            catch (BadRequestBody refused)
            {
                refused.Code.Should().BeOneOf("corrupt_encoding", "payload_too_large");
            }
        }
        Budget.InUse.Should().Be(0);
    }

    [Fact]
    public async Task Anything_behind_or_within_gzip_is_400()
    {
        foreach (var body in new[] { Noise(0), Noise(1), Noise(100), Noise(10_000) })
        {
            var whole = Zip(body);
            byte[][] tails = [[0], [0x1F], [0x1F, 0x8B], [0x1F, 0x8B, 8], [.. "garbage"u8], new byte[5_000], whole[..^1], whole[^8..]];
            foreach (var tail in tails) await Refused(Request(new Pieces([.. whole, .. tail], 999), "gzip"), 400, "corrupt_encoding");
            await Refused(Request(new Pieces([.. whole[..^8], 0, 0, 0, .. whole[^8..]], 999), "gzip"), 400, "corrupt_encoding");
            await Refused(Request(new Pieces([.. whole[..^8], 0, .. whole[^8..], .. whole], 999), "gzip"), 400, "corrupt_encoding");
            await Refused(Request(new Pieces([0, .. whole], 999), "gzip"), 400, "corrupt_encoding");
            await Refused(Request(new Pieces(whole[10..], 999), "gzip"), 400, "corrupt_encoding");
        }
        await Refused(Request(new Pieces("{\"plain\":true}"u8.ToArray(), 999), "gzip"), 400, "corrupt_encoding");
    }

    [Fact]
    public async Task Several_members_are_one_body_and_share_one_limit()
    {
        foreach (var lengths in new[] { [5, 5], [0, 0, 7], [10_000, 1, 20_000], new[] { 3_000, 5_000, 5_000, 5_000 } })
        {
            var parts = lengths.Select(Noise).ToList();
            byte[] sent = [.. parts.SelectMany(Zip)];
            using (var read = await RequestBody.ReadAsync(Request(new Pieces(sent, 999), "gzip"), lengths.Sum(), Cancellation)) read.Bytes.ToArray().Should().Equal(parts.SelectMany(p => p));
            await Refused(Request(new Pieces(sent, 999), "gzip"), 413, "payload_too_large", lengths.Sum() - 1);
            await Refused(Request(new Pieces(sent[..^9], 999), "gzip"), 400, "corrupt_encoding");
        }
        byte[] many = [.. Enumerable.Repeat(Zip([]), 2_000).SelectMany(m => m)];
        await Refused(Request(new Pieces(many, 999), "gzip"), 400, "corrupt_encoding");
    }

    [Fact]
    public async Task Every_optional_part_of_a_gzip_header_is_understood()
    {
        var body = Noise(2_000);
        var plain = Zip(body);
        byte[] extra = [3, 0, 1, 2, 3], name = [.. "name\0"u8], comment = [.. "comment\0"u8];
        for (var flags = 0; flags < 32; flags++)
        {
            byte[] header = [.. plain[..3], (byte)flags, .. plain[4..10], .. (flags & 4) != 0 ? extra : [], .. (flags & 8) != 0 ? name : [], .. (flags & 16) != 0 ? comment : []];
            if ((flags & 2) != 0) header = [.. header, .. BitConverter.GetBytes((ushort)Crc32.Of(header))];
            using (var read = await RequestBody.ReadAsync(Request(new Pieces([.. header, .. plain[10..]], 999), "gzip"), 4_000, Cancellation)) read.Bytes.ToArray().Should().Equal(body);
            for (var cut = 0; cut < header.Length; cut++) await Refused(Request(new Pieces(header[..cut], 999), "gzip"), 400, "corrupt_encoding");
        }
        await Refused(Request(new Pieces([.. plain[..3], 0x20, .. plain[4..]], 999), "gzip"), 400, "corrupt_encoding");
    }

    [Fact]
    public void The_checksum_is_the_published_one()
    {
        Crc32.Of("123456789"u8).Should().Be(0xCBF43926);
        Crc32.Of([]).Should().Be(0);
        for (var length = 0; length < 100; length++) Crc32.Of(Noise(length)).Should().Be(BitConverter.ToUInt32(Zip(Noise(length)).AsSpan()[^8..^4]));
    }

    [Fact]
    public async Task More_in_flight_than_the_budget_is_503_with_a_wait()
    {
        var held = new List<RequestBody>();
        BadRequestBody? refused = null;
        for (var i = 0; i < 100 && refused is null; i++)
        {
            try
            {
                held.Add(await RequestBody.ReadAsync(Request(new Pieces(new byte[1 << 20], int.MaxValue), null), RequestBody.DefaultLimit, Cancellation));
            }
            catch (BadRequestBody e)
            {
                refused = e;
            }
        }
        held.Should().HaveCount(63, "the last one moves from 512 KiB to 1 MiB and holds both meanwhile");
        (refused!.Status, refused.Code).Should().Be((503, "overloaded"));
        refused.RetryAfterSeconds.Should().BeInRange(1, 5);
        Budget.InUse.Should().Be(held.Count << 20);

        held.ForEach(body => body.Dispose());
        held[0].Dispose();
        Budget.InUse.Should().Be(0);
        using var again = await RequestBody.ReadAsync(Request(new Pieces(new byte[16 << 20], int.MaxValue), null), RequestBody.DefaultLimit, Cancellation);
    }

    [Theory]
    [InlineData(413, 413, "payload_too_large"), InlineData(408, 408, "request_timeout"), InlineData(400, 400, "malformed_request")]
    public async Task What_the_server_refuses_while_reading_is_named_like_our_own(int thrown, int status, string code)
    {
        foreach (var coding in new[] { null, "gzip" })
            await Refused(Request(new Pieces(Noise(20_000), 15_000) { End = new BadHttpRequestException("its words", thrown) }, coding), status, code, 100_000);
    }

    [Fact]
    public Task A_chunk_size_beyond_the_servers_integer_is_400() =>
        Refused(Request(new Pieces(Noise(20_000), 15_000) { End = new IOException("its words", new OverflowException()) }, null), 400, "malformed_request", 100_000);

    [Fact]
    public async Task A_caller_that_goes_away_leaves_nothing_taken()
    {
        var read = () => RequestBody.ReadAsync(Request(new Pieces(Noise(20_000), 15_000) { End = new IOException() }, null), 100_000, Cancellation);
        await read.Should().ThrowAsync<IOException>();
        Budget.InUse.Should().Be(0);
    }

    [Fact]
    public async Task The_servers_own_limit_does_not_cut_below_ours()
    {
        var context = Request(new Pieces(Noise(10), 10), null);
        var server = new ServerLimit();
        context.Features.Set<IHttpMaxRequestBodySizeFeature>(server);
        using var read = await RequestBody.ReadAsync(context, 100, Cancellation);
        server.MaxRequestBodySize.Should().BeNull();
    }

    async Task Refused(HttpContext context, int status, string code, int limit = 1 << 20, string message = "*")
    {
        var read = () => RequestBody.ReadAsync(context, limit, Cancellation);
        var refused = (await read.Should().ThrowAsync<BadRequestBody>().WithMessage(message)).Which;
        (refused.Status, refused.Code).Should().Be((status, code));
        Budget.InUse.Should().Be(0);
    }

    DefaultHttpContext Request(Pieces body, string? coding, long? length = null)
    {
        var context = new DefaultHttpContext { RequestServices = _services };
        context.Request.Body = body;
        context.Request.ContentLength = length;
        if (coding is not null) context.Features.GetRequiredFeature<IHttpRequestFeature>().Headers["Content-Encoding"] = coding;
        return context;
    }

    static byte[] Noise(int length)
    {
        var bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return bytes;
    }

    static byte[] Zip(byte[] body) => Zip(body, CompressionLevel.Fastest);

    static byte[] Zip(byte[] body, CompressionLevel level)
    {
        var zipped = new MemoryStream();
        using (var gzip = new GZipStream(zipped, level))
        {
            gzip.Write(body);
            // The framework writes nothing at all for nothing.
            if (body.Length == 0) return [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        }
        return zipped.ToArray();
    }

    sealed class ServerLimit : IHttpMaxRequestBodySizeFeature
    {
        public bool IsReadOnly => false;
        public long? MaxRequestBodySize { get; set; } = 30_000_000;
    }

    /// <summary>A body that arrives bit by bit, and may end badly.</summary>
    sealed class Pieces(byte[] bytes, int piece) : MemoryStream(bytes)
    {
        public int Reads { get; private set; }
        public Exception? End { get; init; }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Reads++;
            if (End is not null && Position == Length) throw End;
            return ValueTask.FromResult(Read(buffer.Span[..Math.Min(piece, buffer.Length)]));
        }
    }
}
