using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hindcast.Application.Alerts;

/// <summary>Rules as they are stored, and as webhooks are told of them.</summary>
public static class AlertJson
{
    public static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        MaxDepth = 128,
    };

    /// <summary>The wire's name of a metric, a comparison, a turn or a state.</summary>
    public static string Name<T>(this T value) where T : struct, Enum => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());

    /// <summary>Null for a name that there is not.</summary>
    public static T? Named<T>(string name) where T : struct, Enum => Enum.GetValues<T>().Select(v => (T?)v).FirstOrDefault(v => v!.Value.Name() == name);
}
