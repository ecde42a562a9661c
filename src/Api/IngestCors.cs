namespace Hindcast.Api;

/// <summary>
/// Ingestion from browsers: any origin may write, because the key alone decides: a cookie, which a browser adds by itself, speaks
/// for requests from pages of our own origin only (<see cref="SameSite"/>).
/// </summary>
/// <remarks>
/// The host calls <c>UseCors()</c> before it asks for keys: a preflight carries none. A refusal then has the header too, and the page that
/// sent the request can read why.
/// </remarks>
internal static class IngestCors
{
    public const string Policy = "ingest";

    public static IServiceCollection AddIngestCors(this IServiceCollection services) => services.AddCors(
        options => options.AddPolicy(Policy, policy => policy
        .AllowAnyOrigin()
        .WithMethods(HttpMethods.Post)
        .WithHeaders("Content-Type", "X-Api-Key", "Authorization", "Idempotency-Key")
        .WithExposedHeaders("X-Log-Position", "Retry-After")
        .SetPreflightMaxAge(TimeSpan.FromHours(2))));

    /// <summary>Pages of any origin may use this door.</summary>
    public static T FromAnyOrigin<T>(this T door) where T : IEndpointConventionBuilder => door.RequireCors(Policy);
}
