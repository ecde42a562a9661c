using System.Text;
using Hindcast.Application.EventSourcing;

namespace Hindcast.Application.Redaction;

/// <summary>One fact on its way through the rules: what was found in all its texts, and the texts without it. Used by one at a time.</summary>
/// <param name="tell">Hears of everything that is found.</param>
public sealed class RedactionPass(Redactor rules, RedactionPass.Told? tell = null)
{
    public delegate void Told(Detector by, ReadOnlySpan<char> text);

    readonly Dictionary<Detector, int> _counts = [];
    readonly List<Finding> _found = [];

    public Redactor Rules => rules;

    /// <summary>What was found up to now; null: nothing.</summary>
    public IReadOnlyList<Mark>? Marks => _counts.Count == 0 ? null
        : [.. rules.Detectors.Where(_counts.ContainsKey).Select(d => new Mark(d.Name, d.Marker is not null, _counts[d]))];

    /// <summary>The text with markers in it; null when there is nothing to replace.</summary>
    public string? Text(ReadOnlySpan<char> text)
    {
        _found.Clear();
        foreach (var detector in rules.Detectors)
            if (detector.MayFind(text)) detector.Find(text, _found);
        if (_found.Count == 0) return null;

        foreach (var finding in _found)
        {
            _counts[finding.By] = _counts.GetValueOrDefault(finding.By) + 1;
            tell?.Invoke(finding.By, text.Slice(finding.Start, finding.Length));
        }
        _found.RemoveAll(f => f.By.Marker is null);
        return _found.Count == 0 ? null : Without(text);
    }

    /// <summary>Of findings that overlap the first gives the marker, and all of them go.</summary>
    string Without(ReadOnlySpan<char> text)
    {
        _found.Sort((a, b) => a.Start != b.Start ? a.Start.CompareTo(b.Start) : b.Length.CompareTo(a.Length));
        var (clean, copied) = (new StringBuilder(text.Length), 0);
        foreach (var finding in _found)
        {
            if (finding.Start >= copied) clean.Append(text[copied..finding.Start]).Append(finding.By.Marker);
            copied = Math.Max(copied, finding.End);
        }
        return clean.Append(text[copied..]).ToString();
    }
}
