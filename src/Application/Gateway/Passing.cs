using System.Buffers;

namespace Hindcast.Application.Gateway;

/// <summary>Bytes on their way from a provider to a caller; each is kept for the record too.</summary>
sealed class Passing(Attempt attempt, Candidate candidate, Recording recording, IAnswerTo to, GatewayOptions limits, TimeProvider clock)
{
    const int ReadBytes = 16 * 1024, ChangedBytes = 4 * 1024;

    GatewayCall Call => attempt.Call;

    /// <summary>Waits for a stream to begin: until then nothing has been said, and another attempt can be made.</summary>
    public async Task FirstAsync(UpstreamAnswer answer, Patience patience)
    {
        var first = ArrayPool<byte>.Shared.Rent(ReadBytes);
        try
        {
            var read = await answer.Body.ReadAsync(first, patience.Token);
            patience.FirstByteCame();
            attempt.Take(first.AsSpan(0, read));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(first);
        }
    }

    /// <summary>
    /// Passes a stream on, read by read. Null, or all the caller had when that is to be kept. When the provider breaks off, the caller is told in
    /// its own stream.
    /// </summary>
    public async Task<ReadOnlyMemory<byte>?> StreamAsync(UpstreamAnswer answer, Patience patience, bool keep, CancellationToken gone)
    {
        var rewrite = Rewrite();
        var (changed, kept) = (new ArrayBufferWriter<byte>(ChangedBytes), keep ? new ArrayBufferWriter<byte>() : null);
        var buffer = ArrayPool<byte>.Shared.Rent(ReadBytes);
        try
        {
            for (var arrived = attempt.Received; !arrived.IsEmpty; arrived = await ReadAsync())
            {
                rewrite?.Take(arrived.Span, changed);
                await WriteAsync(rewrite is null ? arrived : changed.WrittenMemory);
            }
            rewrite?.End(changed);
            await WriteAsync(changed.WrittenMemory);
            attempt.End(Ending.Answered);
            return kept?.WrittenMemory;
        }
        catch (Exception e) when (patience.Explain(e) is { Ending: not (Ending.CallerGone or Ending.Ours) } failure)
        {
            attempt.End(failure.Ending, failure.Message);
            rewrite?.End(changed);
            await WriteAsync(changed.WrittenMemory);
            await to.WriteAsync(recording.WireOf(Call.Protocol).BrokenOff(failure.Message), gone);
            return null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        async ValueTask<ReadOnlyMemory<byte>> ReadAsync()
        {
            var read = await answer.Body.ReadAsync(buffer, patience.Token);
            if (read > 0) Take(buffer.AsSpan(0, read));
            return buffer.AsMemory(0, read);
        }

        async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes)
        {
            if (bytes.IsEmpty) return;
            kept?.Write(bytes.Span);
            await to.WriteAsync(bytes, gone);
            changed.ResetWrittenCount();
        }
    }

    /// <summary>Reads an answer that is no stream to its end.</summary>
    public async Task ReadAsync(UpstreamAnswer answer, Patience patience)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(ReadBytes);
        try
        {
            int read;
            while ((read = await answer.Body.ReadAsync(buffer, patience.Token)) > 0) Take(buffer.AsSpan(0, read));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
        if (answer.Status >= 400) attempt.Received = answer.WithoutKey(attempt.Received);
    }

    /// <summary>An answer that was read, as its caller is to have it.</summary>
    public (string? ContentType, ReadOnlyMemory<byte> Body) Whole(UpstreamAnswer answer)
    {
        var body = attempt.Received;
        if (candidate.Translation is not { } translation) return (answer.ContentType, body);
        return ("application/json", answer.Status < 400 ? translation.Answer(body, clock.GetUtcNow()) : translation.Error(answer.Status, body));
    }

    /// <summary>Usage that only we asked for does not reach the caller; a translated stream leaves it out by itself.</summary>
    IStreamRewrite? Rewrite() =>
        candidate.Translation is { } translation ? translation.Stream(Call.Form.AsksForUsage, clock.GetUtcNow())
        : Call.Form.AsksForUsage ? null
        : recording.WireOf(Call.Protocol).WithoutUsage();

    void Take(ReadOnlySpan<byte> bytes)
    {
        if (attempt.Received.Length + bytes.Length > limits.MostAnswerBytes) throw new AnswerTooLarge(limits.MostAnswerBytes);
        attempt.Take(bytes);
    }
}
