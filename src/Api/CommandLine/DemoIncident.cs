namespace Hindcast.Api.CommandLine;

/// <summary>A run that fails and the one that makes up for it, in our own form.</summary>
internal static class DemoIncident
{
    public static DemoRequest FailingRun(DateTimeOffset start)
    {
        var run = new Run(DemoStory.Failed, start);
        run.Add("span_started", "root", 0, new { name = "monthly report", kind = "agent", content = new { question = "Write the revenue report for last month." } });
        run.Ask("plan", 40, 1_310, output: 74);
        run.Add("tool_call_request", "query", 1_420, new { parent_span_id = "root", name = "warehouse_query", content = new { sql = "select sum(total) from orders where month = :month" } });
        run.Add("tool_call_response", "query", 31_420, new
        {
            parent_span_id = "root", name = "warehouse_query", status = "error", latency_ms = 30_000, error = new { message = "timeout: the warehouse did not answer within 30 s" },
        });
        run.Add("llm_request", "write", 31_500, new { parent_span_id = "root", provider = "anthropic", model = Run.Model, content = new { note = "The query failed. Say so and go on with the cached figures." } });
        run.Add("error", "write", 32_100, new
        {
            parent_span_id = "root", provider = "anthropic", model = Run.Model, latency_ms = 600,
            content = new { message = "529 overloaded_error: Overloaded", status = 529 },
        });
        run.Add("span_ended", "root", 32_150, new { content = new { status = "error", error = new { message = "The provider is overloaded; giving up." } } });
        return run.Request("a run that fails");
    }

    public static DemoRequest Retry(DateTimeOffset start)
    {
        var run = new Run(DemoStory.Retried, start);
        run.Add("span_started", "root", 0, new
        {
            name = "monthly report", kind = "agent", attributes = new { retry_of = DemoStory.Failed }, content = new { question = "Write the revenue report for last month." },
        });
        run.Ask("plan", 40, 1_180, output: 71);
        run.Add("tool_call_request", "query", 1_300, new { parent_span_id = "root", name = "warehouse_query", content = new { sql = "select sum(total) from orders where month = :month" } });
        run.Add("tool_call_response", "query", 2_150, new { parent_span_id = "root", name = "warehouse_query", status = "ok", latency_ms = 850, content = new { sum = "18220.40" } });
        run.Ask("write", 2_200, 3_400, output: 412);
        run.Add("span_ended", "root", 5_700, new { content = new { output = "Revenue last month: 18,220.40 EUR, up 4 % on the month before.", status = "ok" } });
        run.Add("score", null, 9_000, new { name = "helpful", content = new { value = 1, comment = "Exactly what I needed." } });
        return run.Request("a retry that succeeds");
    }

    /// <summary>Events of one trace, sent under one Idempotency-Key.</summary>
    sealed class Run(string trace, DateTimeOffset start)
    {
        public const string Model = "claude-haiku-4-5";

        readonly List<Dictionary<string, object?>> _events = [];

        public void Add(string type, string? span, int afterMs, object members)
        {
            var e = new Dictionary<string, object?>
            {
                ["type"] = type,
                ["trace_id"] = trace,
                ["event_id"] = $"{trace}-{_events.Count + 1}",
                ["at"] = DemoTime.Of(start.AddMilliseconds(afterMs)),
                ["agent"] = "report-agent",
                ["user_id"] = DemoConversations.Grace,
                ["environment"] = "production",
            };
            if (span is not null) e["span_id"] = Name(span);
            foreach (var member in members.GetType().GetProperties())
                e[member.Name] = member is { Name: "parent_span_id" } ? Name((string)member.GetValue(members)!) : member.GetValue(members);
            _events.Add(e);
        }

        public void Ask(string span, int afterMs, int took, int output)
        {
            Add("llm_request", span, afterMs, new { parent_span_id = "root", provider = "anthropic", model = Model, content = new { messages = new[] { new { role = "user", content = $"Step: {span}" } } } });
            Add("llm_response", span, afterMs + took, new
            {
                parent_span_id = "root", provider = "anthropic", model = Model, latency_ms = took, ttft_ms = took / 4,
                usage = new { input = 420, cache_read = 3_100, cache_write = 0, output },
                content = new { content = span == "plan" ? "First the figures, then the text." : "Revenue last month: 18,220.40 EUR, up 4 % on the month before." },
            });
        }

        public DemoRequest Request(string about) => new("/api/v1/events", _events, _events.Count, about, IdempotencyKey: trace);

        string Name(string span) => $"{trace}-{span}";
    }
}
