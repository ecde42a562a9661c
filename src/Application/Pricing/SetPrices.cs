using Hindcast.Application.Audit;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Projects;
using Hindcast.Domain.Pricing;
using MediatR;

namespace Hindcast.Application.Pricing;

/// <summary>
/// Adds prices to the project's book, as a fact in a stream of its own. What was computed under older ones is computed anew by the
/// projection that reads it; the log and its usage stay as they are.
/// </summary>
public sealed record SetPrices(Caller Caller, IReadOnlyList<Price> Prices) : IRequest<LogPosition>, IAudited
{
    public const string Type = "prices_set";

    public static StreamName StreamOf(string project) => StreamName.Of("prices", project, "book");

    public Deed? Deed(object? answer) => new(Caller, "prices.set", Named);

    /// <summary>The first few models, for who reads the audit list.</summary>
    string Named => string.Join(", ", Prices.Select(p => $"{p.Provider}/{p.Model}").Distinct().Take(5));

    internal sealed class Handler(Streams streams, TimeProvider clock) : IRequestHandler<SetPrices, LogPosition>
    {
        public async Task<LogPosition> Handle(SetPrices command, CancellationToken ct)
        {
            var now = Streams.Micros(clock.GetUtcNow());
            // Known from now on, where nobody says since when it was.
            var prices = command.Prices.Select(p => p.KnownFrom is null ? p with { KnownFrom = now } : p);
            var draft = new Draft(
                new()
                {
                    Type = Type, Project = command.Caller.Project, EventId = Guid.CreateVersion7(now), At = now, Source = new("native", 1, command.Caller.KeyId),
                },
                new(PricesJson.Write(prices), default));
            var added = await streams.DecideAsync(StreamOf(command.Caller.Project), _ => [draft], ct);
            return added[^1].Position;
        }
    }
}
