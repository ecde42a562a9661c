using Hindcast.Application.Intake;
using Hindcast.Application.Projects;

namespace Hindcast.Api;

/// <summary>The dialect that a door for writing takes events in; endpoint metadata. What such a door does not pass on is counted here.</summary>
public sealed record TakenIn(string Dialect);

/// <summary>Counts at the doors what never comes to the log; <see cref="IntakeBook"/> counts the rest where the log answers.</summary>
internal static class Intakes
{
    /// <summary>Some of a request's elements came to nothing, or were answered from memory.</summary>
    public static void Counts(this HttpContext http, IntakeFate fate, int elements)
    {
        if (http.GetEndpoint()?.Metadata.GetMetadata<TakenIn>() is { } door && http.Items[typeof(Caller)] is Caller caller)
            http.RequestServices.GetRequiredService<IntakeBook>().Count(caller, door.Dialect, fate, elements);
    }
}
