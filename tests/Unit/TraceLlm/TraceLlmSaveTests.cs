using System.Globalization;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Hindcast.Api.Dialects.TraceLlm;

namespace Hindcast.Unit.TraceLlm;

/// <summary>TraceLLM's rules of saving (contract 2.3) over random payloads, beside the rules written down a second time.</summary>
public sealed class TraceLlmSaveTests
{
    static readonly DateTimeOffset s_now = new(2026, 11, 21, 0, 15, 22, TimeSpan.Zero);

    static readonly string?[] s_statuses = [null, null, "success", "warning", "failed", "SUCCESS", "Failed", "unknown", "", "running"];

    /// <summary>A payload in which every member may be missing, spelled otherwise, or of a strange but accepted form.</summary>
    static Dictionary<string, object?> Payload(Random random)
    {
        bool Maybe() => random.Next(2) == 0;
        var payload = new Dictionary<string, object?> { ["trace_id"] = "t", ["created_at"] = "2026-05-31T14:22:10", ["updated_at"] = "2026-05-31T14:22:11Z" };
        if (Maybe()) payload["prompt"] = Maybe() ? "hello" : null;
        if (Maybe()) payload["response"] = Maybe() ? "bye" : null;
        var latency = random.Next(4) switch { 0 => 1499.99, 1 => 1500, 2 => 0, _ => Math.Round(random.NextDouble() * 5000, 3) };
        if (Maybe()) payload["latency"] = Maybe() ? latency : latency.ToString(CultureInfo.InvariantCulture);
        if (Maybe()) payload["token_count"] = Maybe() ? random.Next(100_000) : $"{random.Next(100_000)}";
        if (Maybe()) payload[Maybe() ? "model" : "model_name"] = "m";
        if (s_statuses[random.Next(s_statuses.Length)] is { } status) payload["status"] = status;
        if (Maybe()) payload["retry_count"] = random.Next(3);
        if (random.Next(3) == 0) payload["slow_request"] = Maybe();
        if (random.Next(3) == 0) payload["failure_reason"] = Maybe() ? "said" : "";
        if (Maybe()) payload["steps"] = Enumerable.Range(0, random.Next(6)).Select(_ => Step(random)).ToList();
        return payload;
    }

    static Dictionary<string, object?> Step(Random random)
    {
        bool Maybe() => random.Next(2) == 0;
        var step = new Dictionary<string, object?>();
        if (Maybe()) step[Maybe() ? "tool_name" : "step_type"] = $"tool{random.Next(3)}";
        if (random.Next(3) == 0) step["success"] = Maybe();
        if (Maybe())
            step[Maybe() ? "output" : "output_data"] = random.Next(4) switch { 0 => new { error = "boom" }, 1 => new { message = "oh" }, 2 => "text", _ => new { error = "", message = "late" } };
        if (Maybe()) step[Maybe() ? "input" : "input_data"] = Maybe() ? new { q = 1 } : 7;
        if (Maybe()) step["duration"] = random.Next(1000);
        return step;
    }

    static TraceLlmTrace Save(object payload)
    {
        var faults = new List<TraceLlmFault>();
        var trace = TraceLlmSave.Read(JsonSerializer.SerializeToElement(payload, TraceLlmAnswers.Json), s_now, ["body"], faults);
        faults.Should().BeEmpty();
        return trace!;
    }

    [Fact]
    public void Status_retries_slowness_and_reason_follow_the_rules() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2_000), Prop.ForAll(ArbMap.Default.ArbFor<int>(), seed =>
        {
            var payload = Payload(new(seed));
            var saved = Save(payload);
            var failed = saved.Steps.Where(s => !s.Success).ToList();

            // 1: an explicit status wins; a failed step fails; a told reason or told retries warn; inferred retries do not.
            var said = (payload.GetValueOrDefault("status") as string ?? "").ToLowerInvariant();
            var toldReason = payload.GetValueOrDefault("failure_reason") is "said";
            saved.Status.Should().Be(said is "success" or "warning" or "failed" ? said
                : failed.Count > 0 ? "failed"
                : toldReason || payload.GetValueOrDefault("retry_count") is int and > 0 ? "warning" : "success");
            // 2: told, else the steps whose tool stood earlier in the list.
            saved.RetryCount.Should().Be(payload.GetValueOrDefault("retry_count") is int told ? told
                : saved.Steps.Where((s, i) => saved.Steps.Take(i).Any(e => e.ToolName == s.ToolName)).Count());
            // 3: told, else from 1,500 ms on.
            saved.SlowRequest.Should().Be(payload.GetValueOrDefault("slow_request") as bool? ?? saved.Latency >= 1500);
            // 4: told, else the first failed step's error, message or name; whatever the status says.
            saved.FailureReason.Should().Be(toldReason ? "said" : failed.Count == 0 ? null
                : failed[0].Output.TryGetProperty("error", out var error) && error.GetString() is { Length: > 0 } words ? words
                : failed[0].Output.TryGetProperty("message", out var message) ? message.GetString() : failed[0].ToolName);
            // 5: steps number and name themselves, and their inputs and outputs are objects.
            saved.Steps.Select(s => s.StepId).Should().Equal(saved.Steps.Select((_, i) => $"step_{i + 1}"));
            foreach (var step in saved.Steps)
                (step.Input.ValueKind, step.Output.ValueKind, step.ToolName.Length > 0).Should().Be((JsonValueKind.Object, JsonValueKind.Object, true));
            saved.ModelName.Should().Be(payload.ContainsKey("model") || payload.ContainsKey("model_name") ? "m" : "unknown");
        }));

    [Fact]
    public void What_was_saved_saves_as_itself() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(500), Prop.ForAll(ArbMap.Default.ArbFor<int>(), seed =>
        {
            var saved = Save(Payload(new(seed)));
            JsonSerializer.Serialize(Save(saved), TraceLlmAnswers.Json).Should().Be(JsonSerializer.Serialize(saved, TraceLlmAnswers.Json));
        }));

    [Theory]
    [InlineData("Shop", "shop"), InlineData(" My  Shop! ", "my-shop"), InlineData("a--b__c", "a-b-c")]
    public void A_project_is_named_after_its_name(string name, string id) => TraceLlmProjects.IdOf(name).Should().Be(id);

    [Fact]
    public void A_name_that_an_id_cannot_hold_keeps_what_it_can_and_stays_the_same()
    {
        TraceLlmProjects.IdOf("Über--X!").Should().MatchRegex("^ber-x-[0-9a-f]{6}$").And.Be(TraceLlmProjects.IdOf("über x"));
        TraceLlmProjects.IdOf("Über").Should().NotBe(TraceLlmProjects.IdOf("Öber"));
        TraceLlmProjects.IdOf("日本").Should().MatchRegex("^project-[0-9a-f]{6}$").And.Be(TraceLlmProjects.IdOf("日本"));
        TraceLlmProjects.IdOf(new string('x', 300)).Should().HaveLength(64);
        TraceLlmProjects.IdOf("!!").Should().MatchRegex("^project-[0-9a-f]{6}$");
    }
}
