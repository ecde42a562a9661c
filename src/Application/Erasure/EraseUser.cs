using Hindcast.Application.Audit;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Projects;
using Hindcast.Application.ReadModels;
using Hindcast.Application.Traces;
using MediatR;
using Microsoft.EntityFrameworkCore;

namespace Hindcast.Application.Erasure;

/// <summary>
/// Makes all that a user said unreadable, for good: the user's traces whole, and the user's part of others'. A user who comes back later is a
/// new one, with a new key, and is shown.
/// </summary>
/// <exception cref="NotFound">Nobody in the project goes by that name.</exception>
/// <exception cref="Unavailable">The read models are too far behind to say where the user was.</exception>
public sealed record EraseUser(Caller By, string? Project, string UserId) : IRequest<Erased>, IAudited
{
    /// <summary>By the subject: the list keeps no name that was to be forgotten.</summary>
    public Deed? Deed(object? answer) => new(By, "user.erase", (answer as Erased)?.Subject, Project);

    internal sealed class Handler(Erasures erasures, ServingModels models, Subjects subjects) : IRequestHandler<EraseUser, Erased>
    {
        public async Task<Erased> Handle(EraseUser command, CancellationToken ct)
        {
            var (project, by) = (command.By.Managed(command.Project), command.By.KeyId);
            var subject = subjects.Of(project, command.UserId);
            await erasures.CatchUpAsync(ct);
            var (own, shared) = await FindAsync(project, command.UserId, subject, null, ct);
            if (own.Count + shared.Count == 0) throw new NotFound($"There is no user '{command.UserId}'.");

            // Once begun it goes to its end, whether or not somebody waits.
            var first = await erasures.RunAsync(new(Guid.CreateVersion7(), project, by, subject, Names(own), Names(shared)), own, CancellationToken.None);
            // What was under way when the traces were looked for.
            await erasures.CatchUpAsync(CancellationToken.None);
            var (late, lateShared) = await FindAsync(project, command.UserId, subject, first, CancellationToken.None);
            var last = late.Count + lateShared.Count == 0 ? first : await erasures.RunAsync(
                new(Guid.CreateVersion7(), project, by, null, Names(late), Names(lateShared)), late, CancellationToken.None);

            var (forgotten, scrubbed) = await erasures.SettleAsync(project, last, ct);
            var all = (List<Erasures.Found>)[.. own, .. shared, .. late, .. lateShared];
            return new(own.Count + late.Count, shared.Count + lateShared.Count, all.Sum(t => t.ClearFacts), last, forgotten, scrubbed) { Subject = subject };
        }

        /// <summary>The user's own traces, and others' in which the user was named.</summary>
        /// <param name="before">Only those that began before; what came later came from a user who is new.</param>
        async Task<(List<Erasures.Found> Own, List<Erasures.Found> Shared)> FindAsync(string project, string user, string subject, LogPosition? before, CancellationToken ct)
        {
            HashSet<string> own, named;
            await using (var db = models.Open("traces"))
            {
                own = await db.Set<RunRow>().Where(x => x.Project == project && x.UserId == user).Select(x => x.TraceId).ToHashSetAsync(ct);
                named = await db.Set<SpanRow>().Where(x => x.Project == project && x.UserId == user).Select(x => x.TraceId).Distinct().ToHashSetAsync(ct);
                // On the second round these are known to be erased, and would be found for ever.
                if (before is null) named.UnionWith(await db.Set<SubjectRow>().Where(x => x.Project == project && x.Subject == subject).Select(x => x.TraceId).ToListAsync(ct));
            }
            return (await FoundAsync(own), await FoundAsync(named.Except(own)));

            async Task<List<Erasures.Found>> FoundAsync(IEnumerable<string> traces)
            {
                var found = new List<Erasures.Found>();
                foreach (var trace in traces)
                    if (await erasures.FindAsync(project, trace, ct) is { } one && !(one.First > before)) found.Add(one);
                return found;
            }
        }

        static List<string> Names(List<Erasures.Found> traces) => traces.ConvertAll(t => t.TraceId);
    }
}
