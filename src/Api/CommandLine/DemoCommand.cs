using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Encodings.Web;

namespace Hindcast.Api.CommandLine;

/// <summary>
/// <c>hindcast demo</c>: a day of two customers and a support agent, through the doors that everybody uses. Ids and bytes follow from the
/// time of the first run, which is asked back from the server, so that a second run sends the same again and adds nothing.
/// </summary>
internal static class DemoCommand
{
    static readonly JsonSerializerOptions s_json = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull,
    };

    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30), s_pause = TimeSpan.FromSeconds(0.5);

    public static async Task<int> RunAsync(Floor floor)
    {
        floor.Arguments.NoWords();
        using var server = floor.Server();
        var first = await FirstRunAsync(server);
        var requests = DemoStory.Of(first ?? Seconds(TimeProvider.System.GetUtcNow()));
        await floor.Terminal.ProgressAsync("Loading the sample", async report =>
        {
            for (var i = 0; i < requests.Count; i++)
            {
                report((double)i / requests.Count, requests[i].About);
                await SendAsync(server, requests[i]);
            }
            return 0;
        });
        floor.Terminal.Out.WriteLine(Epilogue(server.Address, requests.Sum(r => r.Events), again: first is not null));
        return 0;
    }

    /// <summary>When the sample was first loaded here; null when it was not.</summary>
    static async Task<DateTimeOffset?> FirstRunAsync(ServerClient server)
    {
        var (status, text) = await AskAsync();
        // A server that has just started may still be building its views.
        for (var wait = s_patience; status == 503 && wait > TimeSpan.Zero; wait -= s_pause)
        {
            await Task.Delay(s_pause);
            (status, text) = await AskAsync();
        }
        switch (status)
        {
            case 200:
                using (var tree = JsonDocument.Parse(text))
                    return Seconds(tree.RootElement.GetProperty("started_at").GetDateTimeOffset()) + DemoStory.RefundAgo;
            case 404: return null;
            case 401 or 403: throw new Failed("The sample needs a key that may write and read: scopes ingest and read, or admin.");
            default: throw new Failed($"The server at {server.Address} answered {status} when asked for the sample of an earlier run; try again.");
        }

        Task<(int Status, string Text)> AskAsync() => server.TrySendAsync(HttpMethod.Get, $"/api/v1/traces/{DemoStory.Refund}/tree", null);
    }

    static async Task SendAsync(ServerClient server, DemoRequest request)
    {
        var body = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(request.Body, s_json));
        body.Headers.ContentType = new("application/json");
        await server.SendAsync(HttpMethod.Post, request.Path, body, request.IdempotencyKey is { } key ? [("Idempotency-Key", key)] : []);
    }

    static DateTimeOffset Seconds(DateTimeOffset time) => new(time.UtcTicks - (time.UtcTicks % TimeSpan.TicksPerSecond), TimeSpan.Zero);

    static string Epilogue(string address, int events, bool again) => new StringBuilder()
        .AppendLine(CultureInfo.InvariantCulture, $"{events} events sent{(again ? "; this server had them already, so nothing was added" : "")}.")
        .AppendLine()
        .AppendLine(CultureInfo.InvariantCulture, $"  {DemoStory.Refund,-22} a support agent with tools, retrieval and a warm prompt cache: see what the cache saves")
        .AppendLine(CultureInfo.InvariantCulture, $"  {DemoStory.Failed,-22} a run that fails: a tool times out, then the provider is overloaded (529)")
        .AppendLine(CultureInfo.InvariantCulture, $"  {DemoStory.Retried,-22} the same request again, which succeeds: compare the two trees")
        .AppendLine(CultureInfo.InvariantCulture, $"  {DemoConversations.Ada}, {DemoConversations.Grace}   two customers with conversations over the last 24 hours of the first run")
        .AppendLine("  twelve visits of the shop, as product events: a funnel of shop_visited, help_opened, chat_started, problem_solved")
        .AppendLine()
        .AppendLine("  A trace as a tree:")
        .AppendLine(CultureInfo.InvariantCulture, $"  curl -H \"Authorization: Bearer $HINDCAST_KEY\" {address}/api/v1/traces/{DemoStory.Refund}/tree")
        .AppendLine("  What went wrong today:")
        .Append(CultureInfo.InvariantCulture, $"  curl -H \"Authorization: Bearer $HINDCAST_KEY\" \"{address}/api/v1/traces?status=ERROR\"")
        .ToString();
}
