using System.Buffers;
using System.Text;
using System.Text.RegularExpressions;
using Hindcast.Domain.Redaction;

namespace Hindcast.Application.Redaction;

/// <summary>The rules of a project, ready to be used on any number of texts at once.</summary>
public sealed class Redactor
{
    public const int MostPatterns = 20;
    public const int LongestPattern = 256;

    readonly Detector[] _detectors;

    Redactor(List<Detector> detectors) => _detectors = [.. detectors];

    public IReadOnlyList<Detector> Detectors => _detectors;

    /// <summary>Null when every rule is off.</summary>
    /// <exception cref="BadRequest">A rule has no meaning; names it.</exception>
    public static Redactor? Of(RedactionRules rules)
    {
        var detectors = new List<Detector>();
        if (rules.Secrets != RedactionAction.Off) detectors.Add(new SecretDetector { Marker = MarkerOf("secret", rules.Secrets) });
        if (rules.Emails != RedactionAction.Off) detectors.Add(new EmailDetector { Marker = MarkerOf("email", rules.Emails) });
        if (rules.Cards != RedactionAction.Off) detectors.Add(new CardDetector { Marker = MarkerOf("card", rules.Cards) });
        if (rules.Patterns.Count > MostPatterns) throw new BadRequest("patterns", $"A project has at most {MostPatterns} patterns.");
        var names = new HashSet<string>(["secret", "email", "card"], StringComparer.Ordinal);
        for (var i = 0; i < rules.Patterns.Count; i++)
        {
            var own = rules.Patterns[i];
            if (!Domain.Projects.Project.IsId(own.Name)) throw new BadRequest($"patterns[{i}].name", "A pattern's name has 1 to 64 small letters, digits, '_' and '-'.");
            if (!names.Add(own.Name)) throw new BadRequest($"patterns[{i}].name", $"There is a rule '{own.Name}' already.");
            var pattern = Compile(own.Pattern, $"patterns[{i}].pattern");
            if (own.Action != RedactionAction.Off) detectors.Add(new PatternDetector(own.Name, pattern) { Marker = MarkerOf(own.Name, own.Action) });
        }
        return detectors.Count == 0 ? null : new(detectors);
    }

    static string? MarkerOf(string name, RedactionAction action) => action == RedactionAction.Replace ? $"[redacted:{name}]" : null;

    /// <summary>Case matters; <c>(?i)</c> in front says otherwise.</summary>
    static Regex Compile(string pattern, string field)
    {
        if (pattern.Length is 0 or > LongestPattern) throw new BadRequest(field, $"A pattern has 1 to {LongestPattern} characters.");
        Regex compiled;
        try
        {
            compiled = new(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant, PatternDetector.Patience);
        }
        catch (NotSupportedException)
        {
            throw new BadRequest(field, "Look-around, back-references, atomic groups and very large repetitions are not supported.");
        }
        catch (ArgumentException e)
        {
            throw new BadRequest(field, $"This is no regular expression: {e.Message}");
        }
        return compiled.IsMatch("") ? throw new BadRequest(field, "The pattern matches where there is nothing.") : compiled;
    }

    /// <summary>Whether a payload is worth a walk; what is not costs no memory.</summary>
    public bool MayFind(ReadOnlySpan<byte> utf8)
    {
        var chars = ArrayPool<char>.Shared.Rent(utf8.Length);
        var text = chars.AsSpan(0, Encoding.UTF8.GetChars(utf8, chars));
        // An escape may spell anything.
        var may = text.IndexOf("\\u") >= 0 || MayFind(text);
        ArrayPool<char>.Shared.Return(chars);
        return may;
    }

    public bool MayFind(ReadOnlySpan<char> text)
    {
        foreach (var detector in _detectors)
            if (detector.MayFind(text)) return true;
        return false;
    }
}
