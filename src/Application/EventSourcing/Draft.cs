using Hindcast.Domain;

namespace Hindcast.Application.EventSourcing;

/// <summary>A fact on its way in: all that is known of it before its stream is.</summary>
public sealed record Draft(Header Header, Content Content)
{
    /// <summary>The agent the sender names; whether the stream takes it is the stamp's business.</summary>
    public string? Agent { get; init; }
    /// <summary>The stream gives the step when the sender did not.</summary>
    public bool AssignStep { get; init; }
    /// <summary>A known id with another content is refused; otherwise the first one simply stands.</summary>
    public bool RefuseOtherContent { get; init; }
}

/// <summary>What became of a draft: its place, or the rule that refused it.</summary>
public sealed record Outcome
{
    Outcome() { }

    /// <summary>As it stands in the log; of a duplicate, the first one's.</summary>
    public Header? Header { get; private init; }
    public long Revision { get; private init; }
    public LogPosition Position { get; private init; }
    /// <summary>It was there before; nothing was written.</summary>
    public bool Duplicate { get; private init; }
    public RuleBroken? Refused { get; private init; }

    public static Outcome Stored(Header header, Place place) => new() { Header = header, Revision = place.Revision, Position = place.Position };

    public static Outcome Known(Fact first) =>
        new() { Header = first.Header, Revision = first.Revision, Position = first.Position, Duplicate = true };

    public static Outcome No(RuleBroken why) => new() { Refused = why };
}
