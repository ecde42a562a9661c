using System.Text.Json;
using Hindcast.Application.Payloads;

namespace Hindcast.Api.Dialects.WhyOps;

/// <summary>Takes fields out of one object, and writes down what is wrong with each.</summary>
internal readonly struct WhyOpsFields(JsonElement element, List<Fault> faults)
{
    /// <summary>A text that serves as an id or name. Empty is absent, unless <paramref name="whenEmpty"/> makes it required.</summary>
    /// <param name="most">In UTF-16 units, as the original counts.</param>
    public string? Text(string field, string name, int most, string? whenTooLong = null, string? whenEmpty = null)
    {
        var given = element.Get(field);
        if (given.ValueKind == JsonValueKind.Undefined)
        {
            if (whenEmpty is not null) faults.Add(new(field, "invalid_union", $"Invalid input: {field} is required"));
            return null;
        }
        if (given.ValueKind != JsonValueKind.String)
        {
            faults.Add(WrongType(field, "a string", given));
            return null;
        }
        if (!LenientText.IsClean(given))
        {
            faults.Add(new(field, "invalid_string", $"{name} must not contain NUL or unpaired surrogates"));
            return null;
        }
        var text = given.GetString()!;
        if (text.Length == 0 && whenEmpty is not null) faults.Add(new(field, "too_small", whenEmpty));
        if (text.Length > most) faults.Add(new(field, "too_big", whenTooLong ?? $"String must contain at most {most} character(s)"));
        return text.Length == 0 ? null : text;
    }

    /// <summary>A position in the run, from 1.</summary>
    public int? Step(string field, string name)
    {
        var given = element.Get(field);
        if (given.ValueKind == JsonValueKind.Undefined) return null;
        if (given.ValueKind != JsonValueKind.Number)
        {
            faults.Add(WrongType(field, "an integer", given));
            return null;
        }
        var whole = given.IsWhole(out var step);
        var real = given.GetDouble();
        if (!whole && real == Math.Truncate(real)) step = real > 0 ? long.MaxValue : long.MinValue;
        else if (!whole) faults.Add(new(field, "invalid_type", "Expected integer, received float"));
        if (step < 1) faults.Add(new(field, "too_small", $"{name} must be a positive integer"));
        if (step > WhyOpsRules.HighestStep) faults.Add(new(field, "too_big", $"{name} must be at most {WhyOpsRules.HighestStep}"));
        return whole && step is >= 1 and <= WhyOpsRules.HighestStep ? (int)step : null;
    }

    public static Fault WrongType(string field, string expected, JsonElement given) =>
        new(field, "invalid_union", $"Invalid input: {field} must be {expected}, received {given.TypeName()}");
}
