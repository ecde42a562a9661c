namespace Hindcast.Application.Erasure;

/// <summary>Whose key it is: of a user, by the keyed hash of its name, or of a trace.</summary>
public readonly record struct KeyOwner(string Kind, string Id)
{
    public static KeyOwner User(string subject) => new("user", subject);

    public static KeyOwner Trace(string traceId) => new("trace", traceId);
}

/// <summary>What is to be erased, as it is written down while it is under way.</summary>
/// <param name="Subject">The user, by the keyed hash of its name; null when it is only about traces.</param>
/// <param name="Traces">Traces to be erased whole.</param>
/// <param name="Shared">Traces of others in which the user has a part.</param>
public sealed record Erasure(Guid Id, string Project, string KeyId, string? Subject, IReadOnlyList<string> Traces, IReadOnlyList<string> Shared)
{
    /// <summary>The traces are older than their project keeps traces: nothing of them is shown any more, figures neither.</summary>
    public bool Expired { get; init; }
}

/// <summary>The keys of one project's facts of one week; <paramref name="Id"/> is in their headers.</summary>
public sealed record KeyRoot(string Id, string Project, int Week)
{
    /// <summary>All keys of the week are gone: the project keeps no facts that old.</summary>
    public bool Destroyed { get; set; }
}

/// <summary>The keys that contents are sealed with, in the vault.</summary>
/// <remarks>
/// <list type="number">
/// <item>A root is durable before it is answered, so no fact is ever sealed with a key that a crash can take.</item>
/// <item>Nothing is written for a subject until its key is destroyed.</item>
/// <item>What was destroyed is in no table, no free page and no write-ahead log of the vault when the call returns, and follows from nothing that is.</item>
/// <item>Once a key is destroyed, no call that begins later answers with it.</item>
/// </list>
/// </remarks>
public interface ISubjectKeys
{
    /// <summary>The root for facts of a week, made when there is none.</summary>
    KeyRoot RootOf(string project, int week);

    /// <summary>Null: this vault never had it.</summary>
    KeyRoot? Find(string id);

    /// <summary>All roots of a project that still open something.</summary>
    IReadOnlyList<KeyRoot> RootsOf(string project);

    /// <summary>How often keys of an owner were destroyed: a user who comes back has a new key each time, a trace never.</summary>
    int TimesErased(string project, KeyOwner owner);

    /// <summary>The key of an owner's nth time; null when it is destroyed.</summary>
    byte[]? KeyOf(KeyRoot root, KeyOwner owner, int time);

    /// <summary>
    /// Destroys the keys of each owner in the roots given, counts one time more for it, and writes down that this erasure has begun; all or none.
    /// </summary>
    void Destroy(Erasure erasure, IReadOnlyList<(KeyOwner Owner, IReadOnlyList<KeyRoot> Roots)> owners);

    /// <summary>Destroys whole weeks.</summary>
    void Destroy(IReadOnlyList<KeyRoot> roots);

    /// <summary>Grows with every destruction: whoever keeps keys lets them go when it moves.</summary>
    int Destructions { get; }

    void Done(Erasure erasure);

    /// <summary>What a crash left undone: keys are destroyed, and the log does not say so yet.</summary>
    IReadOnlyList<Erasure> Begun();

    /// <summary>Rewrites the vault's file so that nothing that was deleted is left in it.</summary>
    void Scrub();
}
