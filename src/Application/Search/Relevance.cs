namespace Hindcast.Application.Search;

/// <summary>
/// Which of some texts that hold all the searched words says most about them: BM25 without the rarity of words, since every word is in
/// every text. Made here, so that both engines rank alike; words count as one that begin alike, whatever each engine's stemmer makes of them.
/// </summary>
static class Relevance
{
    /// <summary>The newest matches are ranked, up to this many.</summary>
    public const int MostRanked = 1_000;

    const double Saturation = 1.2, ByLength = 0.75;

    /// <summary>The best first; of two as good the newer, then by key.</summary>
    public static IReadOnlyList<(Candidate Row, long Rank)> Rank(IReadOnlyList<Candidate> newest, IReadOnlyList<Searches> searches)
    {
        var terms = searches.Select(s => (s.Scope, Stems: SearchedWords.Of(s.Words).Select(Stem).Distinct().ToList())).ToList();
        var texts = newest.Select(row => terms.ConvertAll(t => SearchedWords.Of(t.Scope switch
        {
            TextScope.Input => row.Input ?? "",
            TextScope.Output => row.Output ?? "",
            _ => $"{row.Input} {row.Output}",
        }))).ToList();
        var usual = Math.Max(1, texts.SelectMany(t => t).Select(t => t.Count).DefaultIfEmpty().Average());
        return [.. newest.Select((row, i) => (row, Rank: (long)(1e6 * terms.Select((t, k) => Score(texts[i][k], t.Stems, usual)).Sum()))).OrderByDescending(r => r.Rank)];
    }

    static double Score(IReadOnlyList<string> text, List<string> stems, double usual) => stems.Sum(stem =>
    {
        double often = text.Count(word => word.StartsWith(stem, StringComparison.Ordinal));
        return often / (often + (Saturation * (1 - ByLength + (ByLength * text.Count / usual))));
    });

    /// <summary>What is left without the usual endings.</summary>
    static string Stem(string word) => word[..Math.Max(Math.Min(3, word.Length), word.Length - 3)];
}
