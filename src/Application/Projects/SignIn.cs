using Hindcast.Application.Audit;
using MediatR;

namespace Hindcast.Application.Projects;

/// <summary>What came of a try to sign in.</summary>
/// <param name="Who">Null: refused.</param>
/// <param name="Text">What speaks for them from now on; a secret.</param>
public sealed record Admission(Caller? Who, string Text)
{
    /// <summary>Who they said they were, where that is somebody.</summary>
    public (string Id, string Project)? Claimed { get; init; }

    /// <summary>Never the text: records print themselves into logs.</summary>
    public override string ToString() => Who?.KeyId ?? "nobody";

    internal static Deed? Deed(object? answer, string done, string refused, string? address) => answer is Admission admission
        ? new(admission.Who, admission.Who is null ? refused : done, admission.Who is null ? admission.Claimed?.Id : null, admission.Claimed?.Project) { Address = address }
        : null;
}

/// <summary>A session for who knows a key, or a member's name and secret.</summary>
/// <param name="Name">Null: a key, which speaks for itself.</param>
public sealed record SignIn(string? Name, string Secret, string? Address) : IRequest<Admission>, IAudited
{
    public Deed? Deed(object? answer) => Admission.Deed(answer, "login.accept", "login.refuse", Address);

    internal sealed class Handler(IKeyRing keys, Tokens tokens) : RequestHandler<SignIn, Admission>
    {
        protected override Admission Handle(SignIn command) => command.Name is not { } name ? new(keys.Find(command.Secret), command.Secret)
            : tokens.Issue(name, command.Secret, Tokens.Session) ?? new(null, "") { Claimed = tokens.Named(name) };
    }
}

/// <summary>A token for who knows a key or a member's secret, and its id or name.</summary>
public sealed record IssueToken(string ClientId, string Secret, string? Address) : IRequest<Admission>, IAudited
{
    public Deed? Deed(object? answer) => Admission.Deed(answer, "token.issue", "token.refuse", Address);

    internal sealed class Handler(Tokens tokens) : RequestHandler<IssueToken, Admission>
    {
        protected override Admission Handle(IssueToken command) => tokens.Issue(command.ClientId, command.Secret, Tokens.Life) ?? new(null, "") { Claimed = tokens.Named(command.ClientId) };
    }
}
