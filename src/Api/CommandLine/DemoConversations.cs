using System.Globalization;

namespace Hindcast.Api.CommandLine;

/// <summary>Two customers over 24 hours: short runs of the support agent in WhyOps' form, and chats in Trubrics'.</summary>
internal static class DemoConversations
{
    public const string Ada = "demo-ada";
    public const string Grace = "demo-grace";

    const int RunCount = 24;

    static readonly string[] s_models = ["gpt-4o-mini", "claude-haiku-4-5", "gpt-4.1-mini", "claude-sonnet-4-5"];

    static readonly (string Question, string Answer)[] s_talk =
    [
        ("Where is my parcel?", "It left our warehouse this morning and should be with you tomorrow."),
        ("Can I change the delivery address?", "Yes, until it leaves the depot tonight. Which address shall I use?"),
        ("Do you ship to Norway?", "We do; it takes four to six days."),
        ("The discount code does not work.", "It is valid from 30 EUR; your basket holds 27.50 EUR."),
        ("How do I reset my password?", "Use 'Forgot password' on the sign-in page; the mail arrives within a minute."),
        ("Is the blue one back in stock?", "From Thursday on. Shall I tell you when it is here?"),
        ("I was charged twice.", "I see one charge and one reservation; the reservation goes away within three days."),
        ("What is your return policy?", "30 days, and we pay the postage when the goods are faulty."),
    ];

    public static string RunId(int i) => string.Create(CultureInfo.InvariantCulture, $"demo-chat-{i + 1:00}");

    public static DateTimeOffset RunStart(DateTimeOffset now, int i) => now.AddMinutes(-55 * i).AddMinutes(-61);

    public static string ThreadOf(string user, int thread) => string.Create(CultureInfo.InvariantCulture, $"demo-thread-{user}-{thread + 1}");

    public static DateTimeOffset ThreadStart(DateTimeOffset now, string user, int thread) => now.AddHours(-(2 + OffsetOf(user) + (thread * 7))).AddMinutes(-OffsetOf(user) * 4);

    static int OffsetOf(string user) => user == Ada ? 0 : 3;

    /// <summary>One run an hour, of differing models, lengths and speeds; each repeats what was said before, so the cache warms.</summary>
    public static IEnumerable<DemoRequest> Runs(DateTimeOffset now)
    {
        for (var i = 0; i < RunCount; i++)
        {
            var (question, answer) = s_talk[i % s_talk.Length];
            var model = s_models[i % s_models.Length];
            var took = 450 + (i * 377 % 2_900);
            var run = new DemoRun(RunId(i), DemoStory.Support, i % 3 == 0 ? Grace : Ada, RunStart(now, i));
            run.Add("user_message", 0, new { messages = new[] { new { role = "user", content = question } } });
            if (i % 9 == 4) run.Add("error", 80 + took, new { message = "429 rate_limit_error: slow down", status = 429 }, parent: 1);
            run.Add("llm_response", 2_000 + took, new { content = answer, finishReason = "stop" },
                DemoStory.Answer(model, took, input: model.StartsWith("gpt", StringComparison.Ordinal) ? 1_500 : 180, read: i % 4 == 0 ? 0 : 1_280, write: 0, output: 24 + (i * 13 % 60)), parent: 1);
            yield return run.Request("conversations of a day");
        }
    }

    /// <summary>Three threads each, of three turns.</summary>
    public static IEnumerable<DemoRequest> Threads(DateTimeOffset now)
    {
        foreach (var user in (string[])[Ada, Grace])
        {
            var offset = OffsetOf(user);
            var events = new List<object>();
            for (var thread = 0; thread < 3; thread++)
            {
                var start = ThreadStart(now, user, thread);
                for (var turn = 0; turn < 3; turn++)
                {
                    var (question, answer) = s_talk[(offset + (thread * 3) + turn) % s_talk.Length];
                    events.Add(new
                    {
                        user_id = user,
                        prompt = question,
                        generation = answer,
                        assistant_id = s_models[thread],
                        timestamp = DemoTime.Of(start.AddMinutes(turn * 3)),
                        latency = 0.8 + (turn * 0.4),
                        thread_id = ThreadOf(user, thread),
                        properties = new { channel = thread == 1 ? "mail" : "chat", satisfied = turn == 2 },
                    });
                }
            }
            yield return new("/api/ingestion/publish_llm_events", events, events.Count, $"chats of {user}");
        }
    }
}
