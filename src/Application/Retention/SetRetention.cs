using Hindcast.Application.Projects;
using Hindcast.Domain.Retention;
using MediatR;

namespace Hindcast.Application.Retention;

/// <summary>How long a project keeps its traces, and what that means for those it has.</summary>
public sealed record RetentionState(RetentionSet Set, ExpiredCount Count, SweepProgress? Sweep);

/// <param name="Days">Null: everything is kept.</param>
/// <param name="DryRun">Nothing is set; the answer says what would go.</param>
/// <param name="Confirm">What is old enough now may go, however much it is.</param>
/// <exception cref="BadRequest">Days are out of range.</exception>
/// <exception cref="Unprocessable">More than a tenth of the project would go, and nobody confirmed it.</exception>
public sealed record SetRetention(Caller By, string? Project, int? Days, bool DryRun, bool Confirm) : IRequest<RetentionState>
{
    internal sealed class Handler(Retentions settings, ExpiredTraces expired, RetentionSweep sweep, TimeProvider clock) : IRequestHandler<SetRetention, RetentionState>
    {
        public async Task<RetentionState> Handle(SetRetention command, CancellationToken ct)
        {
            if (command.Days is < 1 or > RetentionSet.MostDays) throw new BadRequest("days", $"days must be from 1 to {RetentionSet.MostDays}, or null.");
            var (project, now) = (command.By.Managed(command.Project), clock.GetUtcNow());
            var set = new RetentionSet { Days = command.Days, ConfirmedAt = command.Confirm ? now : null };
            var limit = command.Days is { } days ? now.AddDays(-days) : (DateTimeOffset?)null;
            var count = await expired.CountAsync(project, limit, command.Confirm ? limit : null, ct);
            if (command.DryRun) return new(set, count, null);
            if (count.NeedsConfirmation)
                throw new Unprocessable("confirmation_needed", $"{count.Expired} of {count.Traces} traces would go, for good. Send confirm: true if that is what you want.");
            await settings.SaveAsync(command.By, project, set, ct);
            sweep.Wake();
            return new(set, count, sweep.ProgressOf(project));
        }
    }
}

public sealed record GetRetention(Caller By, string? Project) : IRequest<RetentionState>
{
    internal sealed class Handler(Retentions settings, ExpiredTraces expired, RetentionSweep sweep, TimeProvider clock) : IRequestHandler<GetRetention, RetentionState>
    {
        public async Task<RetentionState> Handle(GetRetention query, CancellationToken ct)
        {
            var project = query.By.Managed(query.Project);
            var set = settings.Of(project) ?? new();
            var count = set.Days is { } days
                ? await expired.CountAsync(project, clock.GetUtcNow().AddDays(-days), set.ConfirmedAt?.AddDays(-days), ct)
                : await expired.CountAsync(project, null, null, ct);
            return new(set, count, sweep.ProgressOf(project));
        }
    }
}
