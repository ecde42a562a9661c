using System.Text;

namespace Hindcast.Unit;

/// <summary>JSON from a seed, one char a byte: few different keys in many spellings, so that they meet; some deep, some wide, some broken.</summary>
sealed class RandomJson(int seed)
{
    static readonly string[] Plain = ["a", "b", "c", "ab", "k", "", " ", "é", "😀", "a.b", "\u202E", "\uFFFE", "aaaaaaaaaaaaaaaaaaaaaaaa"];
    static readonly string[] Broken = ["\\u0000", "\\uD800", "\\uDE00", "\u00FF", "\u00C3", "\u00ED\u00A0\u0080"];

    readonly Random _random = new(seed);
    readonly double _broken = seed % 3 == 0 ? 0.02 : 0;
    readonly int _variety = (seed & 7) * 40;
    int _budget = 150;

    public byte[] Element()
    {
        var text = new StringBuilder();
        Value(text, 0);
        return Encoding.Latin1.GetBytes(text.ToString());
    }

    void Value(StringBuilder json, int level)
    {
        _budget--;
        var kind = _budget < 0 ? 9 : level == 0 ? _random.Next(4) : _random.Next(10);
        if (kind < 3) Members(json, '{', '}', level, named: true);
        else if (kind == 3) Members(json, '[', ']', level, named: false);
        else if (kind == 4 && _random.Next(20) == 0) Tower(json, level);
        else if (kind < 7) json.Append('"').Append(Text(0.1)).Append('"');
        else json.Append(_random.Next(5) switch { 0 => "null", 1 => "-0", 2 => "1e400", 3 => "true", _ => "17" });
    }

    void Members(StringBuilder json, char open, char close, int level, bool named)
    {
        json.Append(open);
        var count = _random.Next(8) == 0 ? _random.Next(60) : _random.Next(5);
        for (var i = 0; i < count; i++)
        {
            if (i > 0) json.Append(_random.Next(2) == 0 ? "," : " ,\n");
            if (named) json.Append('"').Append(Key()).Append('"').Append(':');
            Value(json, level + 1);
        }
        json.Append(close);
    }

    void Tower(StringBuilder json, int level)
    {
        var height = 62 - level + _random.Next(5);
        for (var i = 0; i < height; i++) json.Append(i % 2 == 0 ? "[" : "{\"t\":");
        json.Append('0');
        for (var i = height - 1; i >= 0; i--) json.Append(i % 2 == 0 ? ']' : '}');
    }

    string Key() => _variety > 0 && _random.NextDouble() > _broken ? Spelled($"key{_random.Next(_variety * _variety)}") : Text(_broken);

    string Text(double broken) => _random.NextDouble() < broken ? Spelled(Plain[_random.Next(Plain.Length)]) + Broken[_random.Next(Broken.Length)] : Spelled(Plain[_random.Next(Plain.Length)]);

    /// <summary>Each char as it is, in UTF-8, or as an escape in either case.</summary>
    string Spelled(string text)
    {
        var spelled = new StringBuilder();
        foreach (var rune in text.EnumerateRunes())
        {
            var way = _random.Next(6);
            foreach (var unit in rune.ToString())
            {
                if (way == 0) spelled.Append($"\\u{(int)unit:x4}");
                if (way == 1) spelled.Append($"\\u{(int)unit:X4}");
            }
            if (way > 1) spelled.Append(Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(rune.ToString())));
        }
        return spelled.ToString();
    }
}
