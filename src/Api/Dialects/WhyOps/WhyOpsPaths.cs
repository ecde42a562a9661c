namespace Hindcast.Api.Dialects.WhyOps;

/// <summary>Paths as the WhyOps SDKs write them.</summary>
internal static class WhyOpsPaths
{
    /// <summary>
    /// Lets a doubled slash pass for one: the TypeScript SDK puts its paths behind a base URL as it was given, trailing slash and all
    /// (WhyOps contract, 1.1). Stands before the routing.
    /// </summary>
    public static void UseWhyOpsPaths(this WebApplication app) => app.Use((http, next) =>
    {
        if (http.Request.Path.Value is { } path && path.Contains("//", StringComparison.Ordinal) && SinglySlashed(path) is var one && Ours(one))
            http.Request.Path = one;
        return next(http);
    });

    static readonly string[] s_said = ["events", "llm-costs", "analytics"];
    static readonly string[] s_read = ["threads", "entities", "visualize", "analyses"];

    /// <summary>How a no is worded at a path of this dialect where no door answers; null for a path of another.</summary>
    public static RefusalForm? FormOf(string path) => path.Split('/', StringSplitOptions.RemoveEmptyEntries) is not ["api", var noun, ..] ? null
        : s_said.Contains(noun) ? WhyOpsRefusals.RefuseAsync
        : s_read.Contains(noun) ? WhyOpsRefusals.RefuseReadingAsync
        : null;

    static bool Ours(string path) =>
        path.StartsWith("/api/events", StringComparison.Ordinal) || path is "/api/entities/init" or "/v1/agents/init";

    static string SinglySlashed(string path) => "/" + string.Join('/', path.Split('/', StringSplitOptions.RemoveEmptyEntries));
}
