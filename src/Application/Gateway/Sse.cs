using System.Buffers;
using System.Text;

namespace Hindcast.Application.Gateway;

/// <summary>One event of a stream of server-sent events; data lines joined by newlines, as its specification says.</summary>
public readonly record struct SseEvent(string? Name, ReadOnlyMemory<byte> Data)
{
    public string Text => Encoding.UTF8.GetString(Data.Span);
}

/// <summary>
/// Cuts a stream into events, wherever its chunks begin and end. Lines end in LF, CR LF or CR; comments and unknown fields are passed over;
/// an event that the stream ends in without a blank line is none.
/// </summary>
public sealed class SseReader
{
    readonly ArrayBufferWriter<byte> _line = new();
    readonly ArrayBufferWriter<byte> _data = new();
    string? _name;
    bool _hasData, _afterCr;

    public void Take(ReadOnlySpan<byte> chunk, Action<SseEvent> onEvent)
    {
        while (!chunk.IsEmpty)
        {
            if (_afterCr && chunk[0] == '\n') chunk = chunk[1..];
            _afterCr = false;
            var end = chunk.IndexOfAny((byte)'\n', (byte)'\r');
            if (end < 0)
            {
                _line.Write(chunk);
                return;
            }
            _afterCr = chunk[end] == '\r';
            if (_line.WrittenCount == 0) Line(chunk[..end], onEvent);
            else
            {
                _line.Write(chunk[..end]);
                Line(_line.WrittenSpan, onEvent);
                _line.ResetWrittenCount();
            }
            chunk = chunk[(end + 1)..];
        }
    }

    void Line(ReadOnlySpan<byte> line, Action<SseEvent> onEvent)
    {
        if (line.IsEmpty)
        {
            if (_hasData) onEvent(new(_name, _data.WrittenMemory));
            _data.ResetWrittenCount();
            (_name, _hasData) = (null, false);
            return;
        }
        if (Value(line, "data"u8, out var data))
        {
            if (_hasData) _data.Write("\n"u8);
            _data.Write(data);
            _hasData = true;
        }
        else if (Value(line, "event"u8, out var name)) _name = Encoding.UTF8.GetString(name);
    }

    static bool Value(ReadOnlySpan<byte> line, ReadOnlySpan<byte> field, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (!line.StartsWith(field)) return false;
        var rest = line[field.Length..];
        if (rest.IsEmpty) return true;
        if (rest[0] != ':') return false;
        value = rest[1..];
        if (!value.IsEmpty && value[0] == ' ') value = value[1..];
        return true;
    }
}

/// <summary>Changes a stream on its way through.</summary>
public interface IStreamRewrite
{
    /// <summary>Takes what has arrived and writes what may go on; what is not decided yet stays.</summary>
    void Take(ReadOnlySpan<byte> chunk, IBufferWriter<byte> to);

    /// <summary>The stream has come to its end: what stayed goes on too.</summary>
    void End(IBufferWriter<byte> to);
}
