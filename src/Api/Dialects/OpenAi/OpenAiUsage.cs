using System.Text.Json;
using Hindcast.Application.Gateway;
using Hindcast.Domain.Traces;

namespace Hindcast.Api.Dialects.OpenAi;

/// <summary>OpenAI's counts: cached tokens lie inside the prompt's, reasoning inside the output's. Two spellings, one meaning.</summary>
internal static class OpenAiUsage
{
    public static void Read(JsonElement holder, Answer answer)
    {
        if (holder.Member("usage") is not { ValueKind: JsonValueKind.Object } usage) return;
        answer.ReportedUsage = holder.Raw("usage");
        var input = usage.Member("prompt_tokens_details") ?? usage.Member("input_tokens_details") ?? default;
        var output = usage.Member("completion_tokens_details") ?? usage.Member("output_tokens_details") ?? default;
        var total = usage.Count("total_tokens");
        var prompt = usage.Count("prompt_tokens") ?? usage.Count("input_tokens");
        answer.Usage = Usage.Split(
            prompt, usage.Count("completion_tokens") ?? usage.Count("output_tokens"), input.Count("cached_tokens"), null, null,
            output.Count("reasoning_tokens"), total, promptExcludesCache: false);
    }
}
