using System.Globalization;

namespace Hindcast.Api.CommandLine;

/// <summary>
/// What people did in the shop around the calls to models, in Trubrics' form: enough visitors for a funnel, fewer at each step. Who came as far as the chat
/// has its thread; what they thought of the answers are scores.
/// </summary>
internal static class DemoVisits
{
    /// <summary>In the order in which they are taken.</summary>
    static readonly string[] s_steps = ["shop_visited", "help_opened", "chat_started", "problem_solved"];

    const int ToTheChat = 3;

    /// <summary>How many steps each visitor without an account takes.</summary>
    static readonly int[] s_reached = [4, 2, 1, 3, 2, 1, 4, 2, 1, 2];

    static readonly (string Question, string Answer)[] s_asked =
    [
        ("Do you have this in green?", "Not this year; blue and grey are in stock."),
        ("Can I pay on delivery?", "Not yet. Card, transfer and invoice work."),
        ("How long do you keep my basket?", "For 30 days on this device."),
    ];

    static readonly (double Value, string? Comment)[] s_opinions = [(1, null), (0.8, "Quick, and right."), (0.2, "It did not say when."), (1, null)];

    sealed record Visit(string User, int Steps, DateTimeOffset ChatAt, string Thread);

    public static IEnumerable<DemoRequest> Of(DateTimeOffset now)
    {
        List<Visit> visits =
        [
            Customer(DemoConversations.Ada, 4), Customer(DemoConversations.Grace, 3),
            .. s_reached.Select((steps, i) => Guest(string.Create(CultureInfo.InvariantCulture, $"demo-visitor-{i + 1:00}"), steps, now.AddMinutes(-95 - (i * 127)))),
        ];
        yield return Chats([.. visits.Skip(2).Where(v => v.Steps >= ToTheChat)]);
        yield return Events(visits);
        yield return Feedback(now);

        Visit Customer(string user, int steps) => new(user, steps, DemoConversations.ThreadStart(now, user, 0), DemoConversations.ThreadOf(user, 0));
        Visit Guest(string user, int steps, DateTimeOffset at) => new(user, steps, at, DemoConversations.ThreadOf(user, 0));
    }

    static DemoRequest Chats(IReadOnlyList<Visit> visits) => new("/api/ingestion/publish_llm_events", visits.Select((visit, i) => new
    {
        user_id = visit.User,
        prompt = s_asked[i % s_asked.Length].Question,
        generation = s_asked[i % s_asked.Length].Answer,
        assistant_id = "gpt-4o-mini",
        timestamp = DemoTime.Of(visit.ChatAt),
        latency = 0.7 + (i * 0.3),
        thread_id = visit.Thread,
        properties = new { channel = "chat" },
    }), visits.Count, "chats of visitors");

    static DemoRequest Events(IReadOnlyList<Visit> visits)
    {
        List<object> events = [.. visits.SelectMany(visit => s_steps.Take(visit.Steps).Select((step, i) => new
        {
            user_id = visit.User,
            @event = step,
            timestamp = DemoTime.Of(visit.ChatAt.AddSeconds(((i - ToTheChat + 1) * 400) - 20)),
            // A thread is there once the chat is.
            properties = i < ToTheChat - 1
                ? new Dictionary<string, object> { ["page"] = i == 0 ? "/" : "/help" }
                : new Dictionary<string, object> { ["$thread_id"] = visit.Thread, ["page"] = "/help/chat" },
        }))];
        return new("/api/ingestion/publish_events", events, events.Count, "visits of the shop");
    }

    /// <summary>In our own form: on every second of the newest runs of the support agent.</summary>
    static DemoRequest Feedback(DateTimeOffset now)
    {
        List<object> scores = [.. Enumerable.Range(0, 8).Select(i => (Run: i * 2, Opinion: s_opinions[i % s_opinions.Length])).Select(s => new
        {
            type = "score",
            trace_id = DemoConversations.RunId(s.Run),
            event_id = $"{DemoConversations.RunId(s.Run)}-score",
            at = DemoTime.Of(DemoConversations.RunStart(now, s.Run).AddMinutes(2)),
            name = "helpful",
            content = new { value = s.Opinion.Value, comment = s.Opinion.Comment },
        })];
        return new("/api/v1/events", scores, scores.Count, "what people thought of it", IdempotencyKey: "demo-feedback");
    }
}
