using System.Collections.Immutable;

namespace Hindcast.Domain.Traces;

/// <summary>Who said a thing, and when: what decides between two facts that speak of one field. One for all fields of a fact.</summary>
public sealed record Author(FactRole Role, DateTimeOffset At, Guid EventId) : IComparable<Author>
{
    public int CompareTo(Author? other)
    {
        if (other is null) return 1;
        var byTime = At.CompareTo(other.At);
        if (byTime != 0) return byTime;
        var byId = EventId.CompareTo(other.EventId);
        return byId != 0 ? byId : (byte)Role - (byte)other.Role;
    }

    public bool Beats(Author other, SpanField field)
    {
        var (mine, theirs) = (SpanFacts.Weight(Role, field), SpanFacts.Weight(other.Role, field));
        return mine != theirs ? mine > theirs : CompareTo(other) > 0;
    }

    public static bool operator <(Author a, Author b) => a.CompareTo(b) < 0;
    public static bool operator >(Author a, Author b) => a.CompareTo(b) > 0;
    public static bool operator <=(Author a, Author b) => a.CompareTo(b) <= 0;
    public static bool operator >=(Author a, Author b) => a.CompareTo(b) >= 0;
}

/// <summary>A value and who is believed for it.</summary>
public readonly record struct Told<T>(T Value, Author By);

/// <summary>
/// One unit of work of a trace, as the facts about it add up. Every field is the last word on it, by <see cref="Author.Beats"/> and never
/// by arrival: merging is commutative, associative and idempotent, so late, repeated and shuffled facts give the same span.
/// </summary>
public sealed class Span
{
    static readonly int Fields = Enum.GetValues<SpanField>().Length;
    /// <summary>Stands for a text that has been written to the read model and is no longer kept in memory.</summary>
    static readonly object Stored = new();
    [ThreadStatic] static object?[]? t_said;

    readonly Told<object?>[] _told;

    Span(string id, Told<object?>[] told, ImmutableSortedDictionary<string, Told<string>> attributes)
    {
        Id = id;
        _told = told;
        Attributes = attributes;
    }

    public Span(string id) : this(id, new Told<object?>[Fields], NoAttributes) { }

    static readonly ImmutableSortedDictionary<string, Told<string>> NoAttributes =
        ImmutableSortedDictionary.Create<string, Told<string>>(StringComparer.Ordinal);

    public string Id { get; }
    /// <summary>Attribute values as JSON text.</summary>
    public ImmutableSortedDictionary<string, Told<string>> Attributes { get; }

    public string Name => Get<string>(SpanField.Name) ?? Model ?? Kind;
    public string Kind => Get<string>(SpanField.Kind) ?? "span";
    public string? ParentSpanId => Get<string>(SpanField.ParentSpanId);
    public int? Step => (int?)this[SpanField.Step];
    public int? ParentStep => (int?)this[SpanField.ParentStep];
    public DateTimeOffset StartedAt => (DateTimeOffset?)this[SpanField.StartedAt] ?? (DateTimeOffset?)this[SpanField.EndedAt] ?? default;
    public DateTimeOffset? EndedAt => (DateTimeOffset?)this[SpanField.EndedAt];
    /// <summary>Null while it runs, and when its start was never told. Clocks that disagree give zero, not less.</summary>
    public TimeSpan? Duration =>
        this[SpanField.StartedAt] is DateTimeOffset from && EndedAt is { } to ? (to > from ? to - from : TimeSpan.Zero) : null;
    public TimeSpan? TimeToFirstToken => (TimeSpan?)this[SpanField.TimeToFirstToken];
    public SpanStatus Status => (SpanStatus?)this[SpanField.Status] ?? SpanStatus.Running;
    public string? Error => Get<string>(SpanField.Error);
    public string? ErrorDetail => Get<string>(SpanField.ErrorDetail);
    public string? Provider => Get<string>(SpanField.Provider);
    public string? Model => Get<string>(SpanField.Model);
    public Usage? Usage => Get<Usage>(SpanField.Usage);
    public string? UserId => Get<string>(SpanField.UserId);
    public string? SessionId => Get<string>(SpanField.SessionId);
    public string? Environment => Get<string>(SpanField.Environment);
    public string? Agent => Get<string>(SpanField.Agent);
    public string? Input => Get<string>(SpanField.Input);
    public string? Output => Get<string>(SpanField.Output);
    public bool Sanitised => this[SpanField.Sanitised] is true;

    /// <summary>The value and author of a field, or null when nobody spoke of it.</summary>
    public Told<object?>? Told(SpanField field) => _told[(int)field] is { Value: not null } told ? told : null;

    public Span Merge(SpanEvent e)
    {
        var by = new Author(SpanFacts.RoleOf(e), e.At, e.EventId);
        var told = (Told<object?>[])_told.Clone();
        var said = t_said ??= new object?[Fields];
        SpanFacts.Read(e, said);
        for (var field = 0; field < said.Length; field++)
        {
            if (said[field] is not { } value) continue;
            ref var held = ref told[field];
            if (held.Value is null || by.Beats(held.By, (SpanField)field)) held = new(value, by);
        }
        return new(Id, told, e.Attributes.Count == 0 ? Attributes : MergeAttributes(e, by));
    }

    ImmutableSortedDictionary<string, Told<string>> MergeAttributes(SpanEvent e, Author by)
    {
        var merged = Attributes.ToBuilder();
        foreach (var (key, value) in e.Attributes)
            if (!merged.TryGetValue(key, out var held) || by.Beats(held.By, SpanField.Name)) merged[key] = new(value, by);
        return merged.ToImmutable();
    }

    /// <summary>Lets go of its long texts, which the caller has written down; who told them stays known.</summary>
    public void DropTexts()
    {
        foreach (var field in (ReadOnlySpan<SpanField>)[SpanField.Input, SpanField.Output, SpanField.ErrorDetail])
            if (_told[(int)field].Value is not null) _told[(int)field] = _told[(int)field] with { Value = Stored };
    }

    /// <summary>A span as it was read back: fields with their authors. A null text stands for one that is stored.</summary>
    public static Span Restore(
        string id, IEnumerable<(SpanField Field, object? Value, Author By)> told, IEnumerable<KeyValuePair<string, Told<string>>> attributes)
    {
        var all = new Told<object?>[Fields];
        foreach (var (field, value, by) in told) all[(int)field] = new(value ?? Stored, by);
        return new(id, all, NoAttributes.AddRange(attributes));
    }

    object? this[SpanField field] => _told[(int)field].Value is { } value && value != Stored ? value : null;

    T? Get<T>(SpanField field) where T : class => this[field] as T;
}
