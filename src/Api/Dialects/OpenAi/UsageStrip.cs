using System.Buffers;
using System.Text.Json;
using Hindcast.Application.Gateway;

namespace Hindcast.Api.Dialects.OpenAi;

/// <summary>
/// Takes the one chunk out of a chat stream that comes because we asked for usage: <c>choices</c> empty, <c>usage</c> an object. A loop that
/// reads <c>chunk.choices[0]</c> would trip over it. Every other byte goes on as it came, as soon as it came: only an event that has begun and
/// may still turn out to be that chunk stays, and one that grows past its size goes on.
/// </summary>
internal sealed class UsageStrip : IStreamRewrite
{
    const int LongestUsageChunk = 16 * 1024;

    readonly ArrayBufferWriter<byte> _event = new();
    /// <summary>This event goes on whatever it is.</summary>
    bool _passing;
    /// <summary>How many line ends stand in a row at the end of what was seen; CR LF is one.</summary>
    int _lineEnds;
    byte _last;

    public void Take(ReadOnlySpan<byte> chunk, IBufferWriter<byte> to)
    {
        var start = 0;
        for (var i = 0; i < chunk.Length; i++)
        {
            var b = chunk[i];
            var ends = b == '\r' || (b == '\n' && _last != '\r');
            var continues = b == '\n' && _last == '\r';
            _last = b;
            if (!ends && !continues)
            {
                if (_lineEnds >= 2)
                {
                    Close(chunk[start..i], to);
                    start = i;
                }
                _lineEnds = 0;
                // The inside of a line holds nothing of interest.
                var rest = chunk[i..].IndexOfAny((byte)'\n', (byte)'\r');
                i = rest < 0 ? chunk.Length - 1 : i + rest - 1;
                _last = chunk[i];
            }
            else if (ends) _lineEnds++;
        }
        // After a blank line nothing is open. A CR may get its LF yet, which then belongs to the event before; that is as good as its own.
        if (_lineEnds >= 2 && _last == '\n') Close(chunk[start..], to);
        else Keep(chunk[start..], to);
    }

    public void End(IBufferWriter<byte> to) => Close(default, to);

    void Keep(ReadOnlySpan<byte> part, IBufferWriter<byte> to)
    {
        if (_passing)
        {
            to.Write(part);
            return;
        }
        _event.Write(part);
        if (_event.WrittenCount <= LongestUsageChunk) return;
        to.Write(_event.WrittenSpan);
        _event.ResetWrittenCount();
        _passing = true;
    }

    void Close(ReadOnlySpan<byte> rest, IBufferWriter<byte> to)
    {
        // An event that came in one piece, as most do, goes on without being gathered first.
        if (!_passing && _event.WrittenCount == 0 && rest.Length <= LongestUsageChunk)
        {
            if (!IsUsage(rest)) to.Write(rest);
        }
        else
        {
            Keep(rest, to);
            if (!_passing && !IsUsage(_event.WrittenSpan)) to.Write(_event.WrittenSpan);
        }
        _event.ResetWrittenCount();
        (_passing, _lineEnds) = (false, 0);
    }

    static bool IsUsage(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IndexOf("\"usage\""u8) < 0 || bytes.IndexOf("\"choices\""u8) < 0) return false;
        var usage = false;
        new SseReader().Take(bytes, e =>
        {
            try
            {
                using var json = JsonDocument.Parse(e.Data);
                usage = json.RootElement.Member("usage") is { ValueKind: JsonValueKind.Object }
                    && json.RootElement.Member("choices") is { ValueKind: JsonValueKind.Array } choices && choices.GetArrayLength() == 0;
            }
            catch (JsonException)
            {
                // Whatever it is, it goes on.
            }
        });
        return usage;
    }
}
