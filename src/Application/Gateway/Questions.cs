using System.Buffers;
using Microsoft.Extensions.Options;

namespace Hindcast.Application.Gateway;

/// <summary>A small answer of a provider, read to its end.</summary>
public sealed record SmallAnswer(int Status, string? ContentType, IReadOnlyList<KeyValuePair<string, string>> Headers, ReadOnlyMemory<byte> Body);

/// <summary>Asks providers what costs nothing: their models, a count of tokens.</summary>
public sealed class Questions(IUpstreams upstreams, IOptions<HindcastOptions> options, TimeProvider clock)
{
    /// <exception cref="UpstreamFailed">There was no answer.</exception>
    public async Task<SmallAnswer> AskAsync(UpstreamCall call, CancellationToken gone)
    {
        var limits = options.Value.Gateway;
        using var patience = new Patience(limits.FirstByte, limits.FirstByte, clock, gone);
        try
        {
            using var answer = await upstreams.SendAsync(call, patience.Token);
            var body = new ArrayBufferWriter<byte>();
            int read;
            while ((read = await answer.Body.ReadAsync(body.GetMemory(4096), patience.Token)) > 0)
            {
                body.Advance(read);
                if (body.WrittenCount > limits.MostAnswerBytes) throw new AnswerTooLarge(limits.MostAnswerBytes);
            }
            return new(answer.Status, answer.ContentType, answer.Headers, answer.Status < 400 ? body.WrittenMemory : answer.WithoutKey(body.WrittenMemory));
        }
        catch (Exception e) when (patience.Explain(e) is { Ending: not (Ending.CallerGone or Ending.Ours) } failure)
        {
            throw new UpstreamFailed(failure.Ending == Ending.TimedOut ? 504 : 502, failure.Message);
        }
    }
}
