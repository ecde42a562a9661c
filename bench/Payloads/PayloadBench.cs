using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Hindcast.Application.Payloads;

namespace Hindcast.Bench.Payloads;

/// <summary>What checking a payload costs beside reading its tokens, and that hostile ones (reliability matrix, B2 and B4) cost no more.</summary>
static class PayloadBench
{
    public static void Run()
    {
        Console.WriteLine(Machine.Describe());
        var small = Encoding.UTF8.GetBytes($"{{\"type\":\"user_message\",\"trace_id\":\"t\",\"content\":[{{\"role\":\"user\",\"content\":\"{new string('x', 880)}\"}}]}}");
        Print("1 KB event", small, 20_000, () => PayloadRules.Check(small));
        var wide = Encoding.UTF8.GetBytes($"{{{string.Join(',', Enumerable.Range(0, 200_000).Select(i => $"\"k{i:D7}\":1"))}}}");
        Print("200,000 keys in one object (limit 100 ms)", wide, 1, () => PayloadRules.Check(wide));
        var deep = Encoding.UTF8.GetBytes(new string('[', 100_000) + new string(']', 100_000));
        Print("a body 100,000 levels deep, taken apart and refused (limit 50 ms)", deep, 1, () =>
        {
            using var batch = JsonBatch.Parse(deep);
            PayloadRules.Check(batch.RawOf(0).Span);
        });
    }

    static void Print(string what, byte[] json, int times, Action ours)
    {
        var (bare, mine) = (Best(times, () => Tokens(json)), Best(times, ours));
        Console.WriteLine($"{what}: bare reader {bare:N2} µs, ours {mine:N2} µs = {mine / bare:N2} x");
    }

    static void Tokens(byte[] json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = int.MaxValue });
        while (reader.Read()) { }
    }

    static double Best(int times, Action work) => Enumerable.Range(0, 9).Min(_ =>
    {
        var watch = Stopwatch.StartNew();
        for (var i = 0; i < times; i++) work();
        return watch.Elapsed.TotalMicroseconds / times;
    });
}
