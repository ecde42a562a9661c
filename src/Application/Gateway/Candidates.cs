using Hindcast.Domain.Gateway;

namespace Hindcast.Application.Gateway;

/// <summary>A provider that may answer a call, and what makes its protocol the caller's where they differ.</summary>
public sealed record Candidate(Route Route, ITranslation? Translation)
{
    public Protocol Spoken(GatewayCall call) => Translation?.To ?? call.Protocol;

    /// <summary>As the provider will have it.</summary>
    public ReadOnlyMemory<byte> BodyOf(GatewayCall call) =>
        Translation?.Request(call.Form.Body, Route.Model) ?? call.Form.For(Route.Model, withUsage: call.Protocol == Protocol.Chat);
}

/// <summary>Who may answer: the model that was asked for, then the fallbacks of the project that can be asked in this form.</summary>
public sealed class Candidates(Routing routing, IEnumerable<ITranslation> translations)
{
    readonly List<ITranslation> _translations = [.. translations];

    /// <exception cref="GatewayRefusal">Nobody serves the model, or not in this form.</exception>
    public IReadOnlyList<Candidate> For(GatewayCall call, GatewayPolicy policy)
    {
        var candidates = new List<Candidate>
        {
            Of(call, call.Form.Model) ?? throw new GatewayRefusal(
                400, "invalid_request_error", $"The model '{call.Form.Model}' is not served in this form; use the form of its provider."),
        };
        foreach (var model in policy.Fallbacks)
        {
            try
            {
                if (Of(call, model) is { } next && candidates.TrueForAll(c => c.Route != next.Route)) candidates.Add(next);
            }
            catch (GatewayRefusal)
            {
                // A fallback that nobody serves any more is none.
            }
        }
        return candidates;
    }

    Candidate? Of(GatewayCall call, string model)
    {
        var route = routing.Of(call.Caller.Project, model);
        if (call.Protocol.KindOf() == route.Provider.Kind) return new(route, null);
        return _translations.Find(t => t.From == call.Protocol && t.To.KindOf() == route.Provider.Kind) is { } translation ? new(route, translation) : null;
    }
}
