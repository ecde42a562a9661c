using System.Text.Json.Serialization;

namespace Hindcast.Domain.Redaction;

/// <summary>What becomes of what a rule finds.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<RedactionAction>))]
public enum RedactionAction
{
    [JsonStringEnumMemberName("off")] Off,
    /// <summary>The text stays, and the fact says what was found in it.</summary>
    [JsonStringEnumMemberName("flag")] Flag,
    /// <summary>A marker such as <c>[redacted:email]</c> stands in its place, and what it was is stored nowhere.</summary>
    [JsonStringEnumMemberName("replace")] Replace,
}

/// <summary>What a project does not want to keep, looked for in every text before it is stored; by default nothing is. As it is set, it is also the fact that says so.</summary>
[EventName("redaction_set")]
public sealed record RedactionRules
{
    public static readonly RedactionRules None = new();

    /// <summary>Keys of providers and platforms, tokens, private keys, JSON web tokens.</summary>
    public RedactionAction Secrets { get; init; }
    /// <summary>E-mail addresses.</summary>
    public RedactionAction Emails { get; init; }
    /// <summary>Numbers of payment cards, those whose check digit is right.</summary>
    public RedactionAction Cards { get; init; }
    public IReadOnlyList<OwnPattern> Patterns { get; init; } = [];
}

/// <summary>A pattern of the project's own.</summary>
/// <param name="Name">Stands in the marker.</param>
/// <param name="Pattern">A regular expression, of the kind whose work is linear in the text.</param>
public sealed record OwnPattern(string Name, string Pattern, RedactionAction Action);
