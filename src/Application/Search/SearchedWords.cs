using System.Globalization;
using System.Text;

namespace Hindcast.Application.Search;

/// <summary>The words of a search that count: what PostgreSQL's English configuration leaves of it, for engines that leave everything.</summary>
public static class SearchedWords
{
    /// <summary>Characters of a text whose words are found: more would not fit into PostgreSQL's vector of words.</summary>
    public const int MostCharacters = 60_000;

    static readonly HashSet<string> s_common = new(StringComparer.Ordinal)
    {
        "i", "me", "my", "myself", "we", "our", "ours", "ourselves", "you", "your", "yours", "yourself", "yourselves", "he", "him", "his", "himself", "she", "her",
        "hers", "herself", "it", "its", "itself", "they", "them", "their", "theirs", "themselves", "what", "which", "who", "whom", "this", "that", "these", "those",
        "am", "is", "are", "was", "were", "be", "been", "being", "have", "has", "had", "having", "do", "does", "did", "doing", "a", "an", "the", "and", "but", "if",
        "or", "because", "as", "until", "while", "of", "at", "by", "for", "with", "about", "against", "between", "into", "through", "during", "before", "after",
        "above", "below", "to", "from", "up", "down", "in", "out", "on", "off", "over", "under", "again", "further", "then", "once", "here", "there", "when", "where",
        "why", "how", "all", "any", "both", "each", "few", "more", "most", "other", "some", "such", "no", "nor", "not", "only", "own", "same", "so", "than", "too",
        "very", "s", "t", "can", "will", "just", "don", "should", "now",
    };

    /// <summary>Runs of letters and digits, small, without the common words.</summary>
    public static IReadOnlyList<string> Of(string text)
    {
        var words = new List<string>();
        var word = new StringBuilder();
        foreach (var rune in text.EnumerateRunes())
        {
            if (Rune.IsLetterOrDigit(rune) || Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.OtherNumber or UnicodeCategory.LetterNumber) word.Append(Rune.ToLowerInvariant(rune));
            else Take();
        }
        Take();
        return words;

        void Take()
        {
            if (word.Length > 0 && word.ToString() is var taken && !s_common.Contains(taken)) words.Add(taken);
            word.Clear();
        }
    }
}
