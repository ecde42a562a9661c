using System.Globalization;

namespace Hindcast.Api.Dialects.TraceLlm;

/// <summary>Query parameters, read and refused as FastAPI does: the last of a name counts, and every fault is named (contract 2.2).</summary>
internal sealed class TraceLlmQuery(IQueryCollection query)
{
    readonly List<TraceLlmFault> _faults = [];

    /// <summary>Empty is absent: no filter.</summary>
    public string? Text(string name) => query[name] is [.., { Length: > 0 } text] ? text : null;

    public string Required(string name)
    {
        if (query[name] is [.., { } text]) return text;
        _faults.Add(new("missing", ["query", name], "Field required", null));
        return "";
    }

    public double? Number(string name, double least)
    {
        if (query[name] is not [.., { } text]) return null;
        if (!double.TryParse(text.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out var value))
            Add("float_parsing", name, "Input should be a valid number, unable to parse string as a number", text);
        else if (!(value >= least)) Add("greater_than_equal", name, $"Input should be greater than or equal to {least:0}", text, new { ge = least });
        else return value;
        return null;
    }

    public long? Whole(string name, long least, long? most = null)
    {
        if (query[name] is not [.., { } text]) return null;
        if (!TryWhole(text.Trim(), out var value)) Add("int_parsing", name, "Input should be a valid integer, unable to parse string as an integer", text);
        else if (value < least) Add("greater_than_equal", name, $"Input should be greater than or equal to {least}", text, new { ge = least });
        else if (value > most) Add("less_than_equal", name, $"Input should be less than or equal to {most}", text, new { le = most });
        else return (long)Int128.Clamp(value, long.MinValue, long.MaxValue);
        return null;
    }

    /// <summary>Throws when anything was wrong.</summary>
    public void Check()
    {
        if (_faults.Count > 0) throw new TraceLlmInvalid(_faults);
    }

    /// <summary>A whole number may be written as 5.0.</summary>
    static bool TryWhole(string text, out Int128 value)
    {
        var dot = text.IndexOf('.', StringComparison.Ordinal);
        if (dot > 0 && text.AsSpan(dot + 1).Trim('0').IsEmpty) text = text[..dot];
        return Int128.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value);
    }

    void Add(string type, string name, string message, string input, object? ctx = null) => _faults.Add(new(type, ["query", name], message, input, ctx));
}
