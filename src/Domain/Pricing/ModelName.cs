using System.Collections.Concurrent;
using System.Text.RegularExpressions;

namespace Hindcast.Domain.Pricing;

/// <summary>
/// The name of a model without what its sellers put around it: <c>openai/gpt-4o-mini</c>, <c>us.anthropic.claude-sonnet-4-5-20250929-v1:0</c>
/// (Bedrock), <c>publishers/anthropic/models/claude-sonnet-4-5@20250929</c> (Vertex), <c>anthropic/claude-sonnet-4.5</c> (OpenRouter). A suffix
/// that stands for another price, such as <c>:free</c> or a fine-tuned model's, is part of the name.
/// </summary>
public static partial class ModelName
{
    const int MostKnown = 5_000;

    // The same few names come with every call; what a hostile sender makes up is not kept beyond a bound.
    static readonly ConcurrentDictionary<string, (string Name, string Undated)> s_known = new(StringComparer.Ordinal);

    public static string Of(string model) => Known(model).Name;

    /// <summary>Without the day or the number of its release: <c>-20250929</c>, <c>-2024-08-06</c>, <c>-08-2024</c>, <c>-2411</c>, <c>-001</c>, <c>-latest</c>.</summary>
    public static string WithoutDate(string model) => Known(model).Undated;

    static (string Name, string Undated) Known(string model)
    {
        if (s_known.TryGetValue(model, out var known)) return known;
        var name = model[(model.LastIndexOf('/') + 1)..].ToLowerInvariant();
        name = Vendor().Replace(Revision().Replace(name, ""), "").Replace('@', '-').Replace('.', '-').Replace("llama-", "llama", StringComparison.Ordinal);
        known = (name, Date().Replace(name, ""));
        if (s_known.Count < MostKnown) s_known[model] = known;
        return known;
    }

    /// <summary>Bedrock's revision of a model.</summary>
    [GeneratedRegex(@"-v\d+(:\d+)?(:\d+k)?$", RegexOptions.NonBacktracking)]
    private static partial Regex Revision();

    /// <summary>Bedrock's region and vendor.</summary>
    [GeneratedRegex(@"^((us|eu|apac|jp|au|ca|us-gov|global)\.)?(anthropic|meta|mistral|cohere|deepseek|openai|google)\.", RegexOptions.NonBacktracking)]
    private static partial Regex Vendor();

    [GeneratedRegex(@"-(\d{8}|\d{4}-\d{2}-\d{2}|\d{2}-\d{4}|\d{4}|\d{3}|latest)$", RegexOptions.NonBacktracking)]
    private static partial Regex Date();
}
