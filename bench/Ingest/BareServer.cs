using System.Text.Json;
using System.Threading.Channels;
using Hindcast.Infrastructure.Sqlite;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Hindcast.Bench.Ingest;

/// <summary>
/// The baseline behind the same load: Kestrel, the elements of the array cut apart, and a bare SQLite append with the log's settings, whose
/// transactions are made of what arrived while the last one was synced. No checks, no ids, no streams, no answers per element.
/// </summary>
static class BareServer
{
    sealed record Waiting(ReadOnlyMemory<byte> Body, List<(int Start, int Length)> Elements, TaskCompletionSource Done);

    public static async Task RunAsync(int port, string path)
    {
        var queue = Channel.CreateUnbounded<Waiting>(new() { SingleReader = true });
        new Thread(() => Write(queue.Reader, path)) { IsBackground = true }.Start();

        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Urls.Add($"http://127.0.0.1:{port}");
        app.MapGet("/health/live", () => "ok");
        app.MapPost("/api/v1/events", async (HttpContext http) =>
        {
            var body = new byte[(int)http.Request.ContentLength!];
            await http.Request.Body.ReadExactlyAsync(body);
            var waiting = new Waiting(body, Cut(body), new(TaskCreationOptions.RunContinuationsAsynchronously));
            queue.Writer.TryWrite(waiting);
            await waiting.Done.Task;
            return Results.StatusCode(202);
        });
        await app.RunAsync();
    }

    static List<(int, int)> Cut(byte[] body)
    {
        var elements = new List<(int, int)>();
        var json = new Utf8JsonReader(body);
        json.Read();
        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            var start = (int)json.TokenStartIndex;
            json.Skip();
            elements.Add((start, (int)json.BytesConsumed - start));
        }
        return elements;
    }

    static void Write(ChannelReader<Waiting> queue, string path)
    {
        using var database = Database.Open(path, OpenAs.Create);
        database.Exec(IngestBench.Settings);
        using var insert = database.Prepare("INSERT INTO events VALUES(?1, ?2)");
        var position = 0L;
        var group = new List<Waiting>();
        while (queue.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
        {
            database.Exec("BEGIN IMMEDIATE");
            while (queue.TryRead(out var waiting))
            {
                foreach (var (start, length) in waiting.Elements) insert.Bind(1, ++position).BindBlob(2, waiting.Body.Span.Slice(start, length)).Run();
                group.Add(waiting);
            }
            database.Exec("COMMIT");
            foreach (var waiting in group) waiting.Done.SetResult();
            group.Clear();
        }
    }
}
