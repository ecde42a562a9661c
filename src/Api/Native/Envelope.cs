using System.Text.Json;

namespace Hindcast.Api.Native;

/// <summary>The envelope of our own doors and the Observatory's: <c>{error:{code,message,details?},meta:{timestamp}}</c>.</summary>
internal static class Envelope
{
    public static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DictionaryKeyPolicy = null,
        DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull,
        // Around a payload, which may be 64 deep itself, comes what holds it.
        MaxDepth = 256,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The same for answers that a contract lists member by member: what is not known is null.</summary>
    public static readonly JsonSerializerOptions Full = new(Json) { DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.Never };

    public static Task RefuseAsync(HttpContext http, Refusal refusal) => http.Response.WriteAsJsonAsync(
        new
        {
            error = new { code = refusal.Code, message = refusal.Message, details = refusal.Field },
            meta = new { timestamp = http.RequestServices.GetRequiredService<TimeProvider>().GetUtcNow() },
        },
        Json);
}
