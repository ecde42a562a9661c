using System.Diagnostics;

namespace Hindcast.Client;

/// <summary>A piece of work that takes time. It ends when it is disposed of, and failed if that was said before; spans within hang under it.</summary>
public sealed class TraceSpan : IDisposable
{
    readonly TraceBuilder _trace;
    readonly string _name;
    readonly ToolCall[] _call;
    readonly long _started = Stopwatch.GetTimestamp();
    bool _ended;

    internal TraceSpan(TraceBuilder trace, string name, object? input, string? parent)
    {
        (_trace, _name, _call) = (trace, name, [new(name, input)]);
        Id = trace.ToolCallRequest(name, _call, options: new() { ParentSpanId = parent });
    }

    /// <summary>Events that belong to this work name it as their span or parent.</summary>
    public string Id { get; }

    /// <summary>What came of it, shown as its output.</summary>
    public object? Output { get; set; }

    /// <summary>A span within this one.</summary>
    public TraceSpan Span(string name, object? input = null) => new(_trace, name, input, Id);

    /// <summary>It failed.</summary>
    public void Fail(Exception why) => Fail(why.Message, why.ToString());

    /// <inheritdoc cref="Fail(Exception)"/>
    public void Fail(string message, string? stack = null) => _trace.Error(message, stack: stack, options: new() { SpanId = Id });

    /// <summary>It is over.</summary>
    public void Dispose()
    {
        if (_ended) return;
        _ended = true;
        _trace.ToolCallResponse(_name, Id, _call, Output, latencyMs: Math.Round(Stopwatch.GetElapsedTime(_started).TotalMilliseconds, 3));
    }
}
