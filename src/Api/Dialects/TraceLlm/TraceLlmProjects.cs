using System.Security.Cryptography;
using System.Text;
using Hindcast.Application.Projects;
using Hindcast.Domain.Projects;
using MediatR;

namespace Hindcast.Api.Dialects.TraceLlm;

/// <summary>TraceLLM's doors for projects and keys (contract 2.2). A key is shown once, when it is made; lists mask it.</summary>
internal static class TraceLlmProjects
{
    const int Most = 500;
    const int LongestText = 255;

    public static async Task<IResult> List(HttpContext http, IMediator app, TimeProvider clock, CancellationToken ct) =>
        TraceLlmAnswers.Ok((await app.Send(new ListProjects(http.Caller()), ct)).Take(Most).Select(project => Shown(project, clock)));

    public static async Task<IResult> Create(HttpContext http, IMediator app, TimeProvider clock, CancellationToken ct)
    {
        var query = new TraceLlmQuery(http.Request.Query);
        var (name, environment) = (query.Required("name"), query.Required("environment"));
        query.Check();
        var description = query.Text("description") ?? "";
        Bounded("name", name);
        Bounded("description", description);
        Bounded("environment", environment, longest: 64, shortest: 1);

        var (project, key) = await app.Send(new CreateProject(http.Caller(), IdOf(name), name, description, environment, "tlm"), ct);
        return TraceLlmAnswers.Created(new { project = Shown(project, clock), api_key = Shown(key.Row, key.Secret) });
    }

    public static async Task<IResult> Keys(HttpContext http, IMediator app, CancellationToken ct)
    {
        var project = new TraceLlmQuery(http.Request.Query).Text("project_id");
        if (project is not null && !Project.IsId(project)) return TraceLlmAnswers.Ok(Array.Empty<object>());
        return TraceLlmAnswers.Ok((await app.Send(new ListKeys(http.Caller(), project), ct)).Take(Most).Select(k => Shown(k.Row, k.Row.Masked)));
    }

    /// <summary>
    /// The name in small letters, everything but letters and digits one dash (contract 2.2). Where our ids cannot hold that, they hold what they can,
    /// and six digits of its hash, so that the same name is the same project.
    /// </summary>
    public static string IdOf(string name)
    {
        var slug = Dashed(name.ToLowerInvariant(), char.IsLetterOrDigit);
        if (slug.Length == 0) return "project-" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(3));
        if (Project.IsId(slug)) return slug;
        var ours = Dashed(slug, char.IsAsciiLetterOrDigit);
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(slug)))[..6];
        return $"{(ours.Length == 0 ? "project" : ours[..Math.Min(ours.Length, Project.LongestId - 7)])}-{hash}";
    }

    static string Dashed(string text, Predicate<char> stays)
    {
        var slug = new StringBuilder(text.Length);
        foreach (var c in text)
            if (stays(c)) slug.Append(c);
            else if (slug.Length > 0 && slug[^1] != '-') slug.Append('-');
        return slug.ToString().Trim('-');
    }

    static void Bounded(string name, string text, int longest = LongestText, int shortest = 0)
    {
        if (text.Length < shortest)
            throw new TraceLlmInvalid([new("string_too_short", ["query", name], $"String should have at least {shortest} character", text, new { min_length = shortest })]);
        if (text.Length > longest)
            throw new TraceLlmInvalid([new("string_too_long", ["query", name], $"String should have at most {longest} characters", null, new { max_length = longest })]);
        if (text.Any(char.IsControl)) throw new TraceLlmInvalid([new("value_error", ["query", name], "Value must not contain control characters", null)]);
    }

    /// <summary>The contract has a time for every project; one of a log in which nothing stands begins now.</summary>
    static object Shown(ProjectInfo project, TimeProvider clock) =>
        new { project_id = project.Id, name = project.Name, description = project.Description, created_at = TraceLlmTrace.TimeOf(project.Created ?? clock.GetUtcNow()) };

    static object Shown(KeyRow row, string key) =>
        new { key, project_id = row.Project, environment = row.Environment, created_at = TraceLlmTrace.TimeOf(row.Created) };
}
