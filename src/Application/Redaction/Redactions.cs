using System.Collections.Concurrent;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Gateway;
using Hindcast.Application.Projects;
using Hindcast.Application.Traces;
using Hindcast.Domain.Redaction;
using Microsoft.Extensions.DependencyInjection;

namespace Hindcast.Application.Redaction;

/// <summary>What is not to be kept, of every project, and the one place where it is taken out of what goes into the log.</summary>
/// <remarks>A project without rules costs one look into a dictionary for each batch.</remarks>
public sealed class Redactions : ProjectSetting<RedactionRules>
{
    readonly ConcurrentDictionary<string, Redactor> _redactors = new(StringComparer.Ordinal);

    public Redactions(IGatewayStore store, Streams streams, TimeProvider clock) : base("redaction", store, streams, clock)
    {
        foreach (var (project, rules) in All) Changed(project, rules);
    }

    /// <summary>Null: everything of the project is kept as it comes.</summary>
    public Redactor? RedactorOf(string project) => _redactors.GetValueOrDefault(project);

    protected override void Changed(string project, RedactionRules value)
    {
        if (Redactor.Of(value) is { } redactor) _redactors[project] = redactor;
        else _redactors.TryRemove(project, out _);
    }

    /// <summary>The event as it may be stored, and what was found in it.</summary>
    internal static (NewEvent Event, IReadOnlyList<Mark>? Marks) Apply(Redactor redactor, NewEvent e)
    {
        var pass = new RedactionPass(redactor);
        var payload = e.Reader.Redact(e.Content.Payload, pass);
        var marks = pass.Marks;
        if (marks is null || !marks.Any(m => m.Replaced)) return (e, marks);
        return (e with { Content = e.Content with { Payload = payload }, Agent = Clean(e.Agent), Reading = CleanReading(e.Reading) }, marks);

        // What a door read out of the payload for the header goes the way of the payload.
        Reading CleanReading(Reading r) => r with { Kind = Clean(r.Kind), Provider = Clean(r.Provider), Model = Clean(r.Model), Environment = Clean(r.Environment) };

        string? Clean(string? text) => text is null ? null : new RedactionPass(redactor).Text(text) ?? text;
    }

    /// <summary>True when something that is recorded of these events would be replaced.</summary>
    public bool Touches(string project, IEnumerable<NewEvent> events) =>
        RedactorOf(project) is { } redactor && events.Any(e => Apply(redactor, e).Marks?.Any(m => m.Replaced) == true);
}

public static class RedactionModule
{
    public static IServiceCollection AddRedaction(this IServiceCollection services) => services.AddSingleton<Redactions>();
}
