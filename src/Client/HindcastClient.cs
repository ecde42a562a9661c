using System.Globalization;

namespace Hindcast.Client;

/// <summary>
/// Sends events to a Hindcast server, from any thread. A method without <c>Async</c> leaves its event in a queue and returns at once; one with
/// <c>Async</c> returns when the server has it on disk. Neither throws for what goes wrong on the way: <see cref="HindcastOptions.OnLost"/> hears of it.
/// </summary>
public sealed class HindcastClient : IAsyncDisposable, IDisposable
{
    readonly HindcastOptions _options;
    readonly TimeProvider _clock;
    readonly Outbox _outbox;

    /// <param name="options">A base address, a key and an agent are needed.</param>
    /// <param name="http">Yours, where you have one; the client does not dispose of it.</param>
    /// <param name="clock">Gives events their times.</param>
    public HindcastClient(HindcastOptions options, HttpClient? http = null, TimeProvider? clock = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(options.ApiKey);
        ArgumentException.ThrowIfNullOrEmpty(options.AgentName);
        (_options, _clock) = (options, clock ?? TimeProvider.System);
        _outbox = new(options, http ?? new HttpClient(), _clock);
    }

    internal HindcastOptions Options => _options;

    /// <summary>Events that will not arrive.</summary>
    public long Lost => _outbox.Lost;

    /// <summary>A builder of one trace; the id is any text up to 128 characters, and the same for all who work on the trace.</summary>
    public TraceBuilder Trace(string id) => new(this, id);

    /// <summary>Returns when everything that was handed over before is stored, or lost.</summary>
    public Task FlushAsync(CancellationToken ct = default) => _outbox.FlushAsync().WaitAsync(ct);

    /// <summary>Sends what waits, for <see cref="HindcastOptions.LastWords"/> at most.</summary>
    public ValueTask DisposeAsync() => _outbox.DisposeAsync();

    /// <inheritdoc cref="DisposeAsync"/>
    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    internal void Send(string trace, string type, object? content, object? metadata, EventOptions? options)
    {
        if (BytesOf(trace, type, content, metadata, options) is { } bytes) _outbox.Post(bytes);
    }

    internal Task SendAsync(string trace, string type, object? content, object? metadata, EventOptions? options) =>
        BytesOf(trace, type, content, metadata, options) is { } bytes ? _outbox.SendAsync(bytes) : Task.CompletedTask;

    /// <summary>Written down at once: what it was made of may change before it is sent.</summary>
    byte[]? BytesOf(string trace, string type, object? content, object? metadata, EventOptions? options)
    {
        try
        {
            return new Event
            {
                EventType = type,
                TraceId = trace,
                AgentName = _options.AgentName,
                Content = content,
                Metadata = metadata,
                SpanId = options?.SpanId,
                ParentSpanId = options?.ParentSpanId,
                StepId = options?.StepId,
                ParentStepId = options?.ParentStepId,
                Timestamp = (options?.Timestamp ?? _clock.GetUtcNow()).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture),
                IdempotencyKey = options?.IdempotencyKey ?? Guid.CreateVersion7().ToString(),
                ExternalUserId = options?.ExternalUserId,
            }.ToUtf8();
        }
        catch (Exception e) when (e is NotSupportedException or System.Text.Json.JsonException or InvalidOperationException or ArgumentException)
        {
            _outbox.Lose(1, $"An event is no JSON: {e.Message}");
            return null;
        }
    }
}
