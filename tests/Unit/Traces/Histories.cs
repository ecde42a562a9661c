using Hindcast.Domain.Traces;

namespace Hindcast.Unit;

/// <summary>
/// Random histories of one trace that look for trouble: few span ids so that facts collide, few moments so that times tie, every kind of
/// fact, and fields that contradict each other. The same seed gives the same history.
/// </summary>
public static class Histories
{
    static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static List<SpanEvent> Of(int seed, int most = 60)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, random.Next(1, most)).Select(_ => Fact(random))];
    }

    /// <summary>The same facts in another order, each one to three times.</summary>
    public static List<SpanEvent> Shuffled(IReadOnlyList<SpanEvent> facts, Random random)
    {
        var dealt = facts.SelectMany(f => Enumerable.Repeat(f, random.Next(1, 4))).ToArray();
        random.Shuffle(dealt);
        return [.. dealt];
    }

    static SpanEvent Fact(Random random)
    {
        var id = Id(random);
        var at = Start.AddMilliseconds(random.Next(0, 12) * 250);
        var text = $"\"{random.Next(5)}\"";
        SpanEvent e = random.Next(14) switch
        {
            0 => new SpanStarted { EventId = id, TraceId = "t", At = at, Input = text },
            1 => new SpanEnded { EventId = id, TraceId = "t", At = at, Output = text, Status = (SpanStatus)random.Next(1, 4) },
            2 => new LlmRequest { EventId = id, TraceId = "t", At = at, Input = text },
            3 => new LlmResponse { EventId = id, TraceId = "t", At = at, Output = text, Usage = new() { Input = random.Next(50), Output = random.Next(50) } },
            4 => new EmbeddingRequest { EventId = id, TraceId = "t", At = at, Input = text },
            5 => new EmbeddingResponse { EventId = id, TraceId = "t", At = at, Output = text },
            6 => new ToolCallRequest { EventId = id, TraceId = "t", At = at, Input = text },
            7 => new ToolCallResponse { EventId = id, TraceId = "t", At = at, Output = text, Error = random.Next(3) == 0 ? text : null },
            8 => new UserMessage { EventId = id, TraceId = "t", At = at, Input = text },
            9 => new LlmThinking { EventId = id, TraceId = "t", At = at, Thinking = text },
            10 => new ToolResult { EventId = id, TraceId = "t", At = at, Output = text },
            11 => new ErrorRaised { EventId = id, TraceId = "t", At = at, Message = text },
            12 => new ProductEvent { EventId = id, TraceId = "t", At = at, Properties = text },
            _ => new ScoreGiven { EventId = id, TraceId = "t", At = at, Value = "1" },
        };
        return e with
        {
            SpanId = e is ScoreGiven && random.Next(2) == 0 ? null : $"s{random.Next(6)}",
            ParentSpanId = Maybe(random, $"s{random.Next(8)}"),
            Step = random.Next(3) == 0 ? random.Next(1, 6) : null,
            ParentStep = random.Next(4) == 0 ? random.Next(1, 6) : null,
            Name = Maybe(random, $"n{random.Next(3)}"),
            Kind = Maybe(random, "tool"),
            UserId = Maybe(random, $"u{random.Next(3)}"),
            SessionId = Maybe(random, $"c{random.Next(2)}"),
            Environment = Maybe(random, "production"),
            Provider = Maybe(random, "openai"),
            Model = Maybe(random, random.Next(2) == 0 ? "gpt-4o-mini" : "nobody-knows"),
            Latency = random.Next(3) == 0 ? TimeSpan.FromMilliseconds(random.Next(900)) : null,
            Attributes = random.Next(3) == 0
                ? new Dictionary<string, string> { [$"k{random.Next(4)}"] = text, [$"k{random.Next(4, 6)}"] = "true" }
                : new Dictionary<string, string>(),
            Sanitised = random.Next(9) == 0,
        };
    }

    static string? Maybe(Random random, string text) => random.Next(3) == 0 ? text : null;

    static Guid Id(Random random)
    {
        var bytes = new byte[16];
        random.NextBytes(bytes);
        return new(bytes);
    }
}
