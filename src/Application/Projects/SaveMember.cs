using Hindcast.Application.Audit;
using Hindcast.Application.EventSourcing;
using Hindcast.Domain.Projects;
using MediatR;

namespace Hindcast.Application.Projects;

/// <summary>A member, and the secret where one was made: it is shown once.</summary>
public sealed record SavedMember(Member Member, string? Secret)
{
    /// <summary>Never the secret: records print themselves into logs.</summary>
    public override string ToString() => Member.Id;
}

/// <summary>Adds a member, with a secret, or changes one: members that are null stay as they are.</summary>
/// <param name="Id">Null: a new one.</param>
/// <param name="Renew">A new secret; what the old one opened is shut.</param>
/// <exception cref="BadRequest">A field has no meaning; names it.</exception>
/// <exception cref="NotFound">The caller may manage no such member, or no such project.</exception>
/// <exception cref="MemberNameTaken">Names are unique in a project.</exception>
/// <exception cref="LastAdmin">One admin stays.</exception>
public sealed record SaveMember(Caller By, string? Project, string? Id, string? Name, string? Role, bool Renew = false) : IRequest<SavedMember>, IAudited
{
    const int MostMembers = 1_000;
    const int LongestName = 255;

    public Deed? Deed(object? answer) => new(By, Id is null ? "member.create" : "member.change", Id ?? (answer as SavedMember)?.Member.Id, (answer as SavedMember)?.Member.Project);

    internal sealed class Handler(Members members, TimeProvider clock) : IRequestHandler<SaveMember, SavedMember>
    {
        public async Task<SavedMember> Handle(SaveMember command, CancellationToken ct)
        {
            Check(command);
            var now = Streams.Micros(clock.GetUtcNow());
            var project = command.Id is { } id ? members.Managed(command.By, id).Project : command.By.Managed(command.Project);
            var secret = command.Id is null || command.Renew ? ApiKey.Mint("hcm") : null;
            var member = await members.PutAsync(project, all =>
            {
                var known = command.Id is null ? null : all.FirstOrDefault(m => m.Id == command.Id) ?? throw new NotFound($"There is no member '{command.Id}'.");
                if (all.Any(m => m.Name == command.Name && m.Id != command.Id)) throw new MemberNameTaken(command.Name!);
                if (known is null && all.Count >= MostMembers) throw new BadRequest("name", $"A project has at most {MostMembers} members.");
                if (known is not null && command.Role is not (null or Roles.Admin)) all.KeepAnAdmin(known);
                known ??= new()
                {
                    Id = $"mem_{Guid.CreateVersion7(now):n}", Project = project, Name = command.Name!, Role = command.Role!, Hash = default, Renewals = -1, Created = now, Updated = now,
                };
                return known with
                {
                    Name = command.Name ?? known.Name, Role = command.Role ?? known.Role, Updated = now,
                    Hash = secret is null ? known.Hash : KeyHash.Of(secret), Renewals = known.Renewals + (secret is null ? 0 : 1),
                };
            }, ct);
            return new(member, secret);
        }

        static void Check(SaveMember command)
        {
            if (command.Name is null ? command.Id is null : command.Name.Length is 0 or > LongestName || command.Name.Any(char.IsControl))
                throw new BadRequest("name", $"name must have 1 to {LongestName} characters and no control characters.");
            if (command.Role is null ? command.Id is null : Roles.Of(command.Role) is null) throw new BadRequest("role", "role must be admin, developer, viewer or billing.");
        }
    }
}

/// <summary>Ends a member: name, secret and whatever was given for it.</summary>
/// <exception cref="NotFound">The caller may manage no such member.</exception>
/// <exception cref="LastAdmin">One admin stays.</exception>
public sealed record RemoveMember(Caller By, string Id) : IRequest<Member>, IAudited
{
    public Deed? Deed(object? answer) => new(By, "member.remove", Id, (answer as Member)?.Project);

    internal sealed class Handler(Members members) : IRequestHandler<RemoveMember, Member>
    {
        public Task<Member> Handle(RemoveMember command, CancellationToken ct) =>
            members.TakeAsync(command.By, command.Id, ct, static (all, one) => all.KeepAnAdmin(one));
    }
}

/// <summary>The members the caller may manage, by name.</summary>
/// <exception cref="NotFound">The project is not the caller's to manage.</exception>
public sealed record ListMembers(Caller By, string? Project) : IRequest<IReadOnlyList<Member>>
{
    internal sealed class Handler(Members members) : RequestHandler<ListMembers, IReadOnlyList<Member>>
    {
        protected override IReadOnlyList<Member> Handle(ListMembers query)
        {
            var all = query.Project is null && query.By.Project == Domain.Projects.Project.Default;
            return [.. (all ? members.All : members.Of(query.By.Managed(query.Project))).OrderBy(m => m.Name, StringComparer.Ordinal).ThenBy(m => m.Id, StringComparer.Ordinal)];
        }
    }
}

static class Admins
{
    /// <exception cref="LastAdmin">Without this one there would be none.</exception>
    public static void KeepAnAdmin(this IReadOnlyList<Member> all, Member without)
    {
        if (without.Role == Roles.Admin && !all.Any(m => m.Role == Roles.Admin && m.Id != without.Id)) throw new LastAdmin();
    }
}
