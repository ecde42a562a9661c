using System.Net;
using System.Text.Json;
using System.Threading.Channels;

namespace Hindcast.Client;

/// <summary>
/// What waits to be sent. One worker takes as much as there is, up to a batch, and repeats it under the same ids until the server has answered;
/// meanwhile the next batch gathers. So the order of a trace is kept, and a busy program sends few requests.
/// </summary>
internal sealed class Outbox : IAsyncDisposable
{
    const int MostBatchBytes = 4 << 20;

    static readonly Uri s_door = new("api/events/ingest", UriKind.Relative);

    /// <summary>An event, or without bytes a mark that somebody waits at.</summary>
    sealed record Waiting(byte[]? Bytes, TaskCompletionSource? Done);

    readonly HindcastOptions _options;
    readonly HttpClient _http;
    readonly TimeProvider _clock;
    readonly Channel<Waiting> _queue;
    readonly CancellationTokenSource _end = new();
    readonly Task _worker;
    long _lost;

    public Outbox(HindcastOptions options, HttpClient http, TimeProvider clock)
    {
        (_options, _http, _clock) = (options, http, clock);
        _queue = Channel.CreateBounded<Waiting>(new BoundedChannelOptions(options.QueueLimit) { SingleReader = true });
        _worker = Task.Run(WorkAsync);
    }

    public long Lost => Interlocked.Read(ref _lost);

    public void Post(byte[] bytes)
    {
        if (!_queue.Writer.TryWrite(new(bytes, null))) Lose(1, "The queue is full, or the client has ended.");
    }

    /// <summary>Waits for a place in the queue, and for the fate of the event.</summary>
    public Task SendAsync(byte[] bytes) => EnterAsync(bytes);

    public Task FlushAsync() => EnterAsync(null);

    async Task EnterAsync(byte[]? bytes)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            await _queue.Writer.WriteAsync(new(bytes, done)).ConfigureAwait(false);
        }
        catch (ChannelClosedException)
        {
            if (bytes is not null) Lose(1, "The client has ended.");
            return;
        }
        await done.Task.ConfigureAwait(false);
    }

    public void Lose(int events, string why)
    {
        Interlocked.Add(ref _lost, events);
        try
        {
            _options.OnLost?.Invoke(events, why);
        }
        catch
        {
            // Who listens must not end the worker.
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_queue.Writer.TryComplete()) return;
        try
        {
            await _worker.WaitAsync(_options.LastWords).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            await _end.CancelAsync().ConfigureAwait(false);
            await _worker.ConfigureAwait(false);
        }
        _end.Dispose();
    }

    async Task WorkAsync()
    {
        var batch = new List<Waiting>(_options.BatchSize);
        while (await _queue.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            for (var bytes = 0; batch.Count < _options.BatchSize && bytes < MostBatchBytes && _queue.Reader.TryRead(out var next); bytes += next.Bytes?.Length ?? 0) batch.Add(next);
            var events = batch.Select(w => w.Bytes).OfType<byte[]>().ToList();
            if (events.Count > 0) await DeliverAsync(events).ConfigureAwait(false);
            foreach (var waiting in batch) waiting.Done?.TrySetResult();
            batch.Clear();
        }
    }

    async Task DeliverAsync(List<byte[]> events)
    {
        var why = "The client has ended.";
        for (var attempt = 1; attempt <= _options.Attempts && !_end.IsCancellationRequested; attempt++)
        {
            TimeSpan? asked = null;
            try
            {
                using var request = RequestOf(events);
                using var answer = await _http.SendAsync(request, _end.Token).ConfigureAwait(false);
                if (answer.IsSuccessStatusCode) return;
                var said = await answer.Content.ReadAsStringAsync(_end.Token).ConfigureAwait(false);
                why = $"{(int)answer.StatusCode}: {said}";
                if (answer.StatusCode is not (HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout) && (int)answer.StatusCode < 500)
                {
                    Lose(RefusedOf(said, events.Count), why);
                    return;
                }
                asked = answer.Headers.RetryAfter?.Delta;
            }
            catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
            {
                why = e.Message;
            }
            if (attempt < _options.Attempts) await PauseAsync(asked ?? _options.FirstPause * Math.Pow(2, attempt - 1)).ConfigureAwait(false);
        }
        Lose(events.Count, why);
    }

    HttpRequestMessage RequestOf(List<byte[]> events)
    {
        var body = new MemoryStream();
        for (var i = 0; i < events.Count; i++)
        {
            body.WriteByte(i == 0 ? (byte)'[' : (byte)',');
            body.Write(events[i]);
        }
        body.WriteByte((byte)']');
        body.Position = 0;
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(Root(_options.BaseAddress), s_door)) { Content = new StreamContent(body) { Headers = { ContentType = new("application/json") } } };
        request.Headers.Authorization = new("Bearer", _options.ApiKey);
        return request;
    }

    /// <summary>With a slash at its end, so that what follows is below it.</summary>
    internal static Uri Root(Uri address) => address.AbsolutePath.EndsWith('/') ? address : new($"{address}/");

    /// <summary>A server that refuses some of a batch says how many; one that says nothing refused all.</summary>
    static int RefusedOf(string answer, int all)
    {
        try
        {
            using var json = JsonDocument.Parse(answer);
            return json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("failedCount", out var failed) ? failed.GetInt32() : all;
        }
        catch (JsonException)
        {
            return all;
        }
    }

    async Task PauseAsync(TimeSpan pause)
    {
        try
        {
            await Task.Delay(pause, _clock, _end.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The end does not wait.
        }
    }
}
