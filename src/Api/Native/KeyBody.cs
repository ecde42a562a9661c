using System.Text.Json;
using Hindcast.Api.Dialects;
using Hindcast.Application;
using Hindcast.Application.Payloads;
using Hindcast.Application.Projects;

namespace Hindcast.Api.Native;

/// <summary>The body of a request about keys and settings: one small JSON object, or nothing. Every fault names its member.</summary>
internal sealed class KeyBody
{
    const int MostBytes = 64 * 1024;

    const int Deepest = 8;

    readonly JsonElement _body;

    KeyBody(JsonElement body) => _body = body;

    public static async Task<KeyBody> ReadAsync(HttpContext http, CancellationToken ct, int deepest = Deepest)
    {
        var bytes = await BytesAsync(http, ct);
        if (bytes.Length == 0) return new(default);
        try
        {
            using var document = JsonDocument.Parse(bytes, new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = deepest });
            if (document.RootElement.ValueKind != JsonValueKind.Object) throw new BadRequest("body", "The body must be a JSON object.");
            // A name that is half a surrogate pair parses, and throws when somebody looks for another name: read them all now.
            foreach (var member in document.RootElement.EnumerateObject()) _ = member.Name;
            return new(document.RootElement.Clone());
        }
        catch (InvalidOperationException)
        {
            throw new BadRequest("body", "The name of a member is no well-formed text.");
        }
        catch (JsonException e)
        {
            // Without a line it is a rule above JSON's own: the depth, or a member that stands there twice.
            throw new BadRequest("body", e.LineNumber is { } line
                ? $"The body is no well-formed JSON: line {line + 1}, byte {e.BytePositionInLine}."
                : "The body names a member twice or is nested too deep.");
        }
    }

    public string? Text(string name)
    {
        if (Member(name) is not { } value) return null;
        if (value.ValueKind != JsonValueKind.String) throw new BadRequest(name, $"{name} must be a text.");
        try
        {
            return value.GetString() is { } text && !text.Contains('\0') ? text : throw new BadRequest(name, $"{name} must not contain NUL.");
        }
        catch (InvalidOperationException)
        {
            // Half a surrogate pair, or bytes that are no UTF-8: well-formed JSON, and still no text.
            throw new BadRequest(name, $"{name} is no well-formed text.");
        }
    }

    public bool? Flag(string name) => Member(name) is not { } value ? null
        : value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean()
        : throw new BadRequest(name, $"{name} must be true or false.");

    public IReadOnlyList<string>? Texts(string name)
    {
        if (Member(name) is not { } value) return null;
        var harmed = false;
        return value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(v => v.ValueKind == JsonValueKind.String && LenientText.IsClean(v))
            ? [.. value.EnumerateArray().Select(v => LenientText.Of(v, ref harmed))]
            : throw new BadRequest(name, $"{name} must be a list of well-formed texts.");
    }

    /// <summary>A list of objects, each of which is read as a body of its own.</summary>
    public IReadOnlyList<KeyBody>? Objects(string name)
    {
        if (Member(name) is not { } value) return null;
        if (value.ValueKind != JsonValueKind.Array || value.EnumerateArray().Any(v => v.ValueKind != JsonValueKind.Object)) throw new BadRequest(name, $"{name} must be a list of objects.");
        try
        {
            foreach (var member in value.EnumerateArray().SelectMany(v => v.EnumerateObject())) _ = member.Name;
        }
        catch (InvalidOperationException)
        {
            throw new BadRequest(name, "The name of a member is no well-formed text.");
        }
        return [.. value.EnumerateArray().Select(v => new KeyBody(v))];
    }

    public long? Whole(string name) => Member(name) is not { } value ? null
        : value.ValueKind == JsonValueKind.Number && value.IsWhole(out var whole) ? whole
        : throw new BadRequest(name, $"{name} must be a whole number.");

    public double? Number(string name) => Member(name) is not { } value ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && double.IsFinite(number) ? number
        : throw new BadRequest(name, $"{name} must be a number.");

    public DateTimeOffset? Moment(string name) => Text(name) is not { } text ? null
        : Times.TryParse(text, out var time) ? time.ToUniversalTime()
        : throw new BadRequest(name, $"{name} must be an ISO 8601 time with Z or an offset.");

    /// <summary>A member as it was sent.</summary>
    public string? Raw(string name) => Member(name)?.GetRawText();

    /// <summary><c>scopes</c> is required: what a key may do is not to be guessed.</summary>
    public Scopes Scopes()
    {
        if (Member("scopes") is not { ValueKind: JsonValueKind.Array } words) throw new BadRequest("scopes", "scopes must be a list of ingest, read, gateway, admin.");
        var scopes = Application.Projects.Scopes.None;
        foreach (var word in words.EnumerateArray())
        {
            var scope = word.ValueKind == JsonValueKind.String ? Parse(word) : Application.Projects.Scopes.None;
            scopes |= scope != Application.Projects.Scopes.None ? scope : throw new BadRequest("scopes", "Each scope must be one of ingest, read, gateway, admin.");
        }
        return scopes;
    }

    static Scopes Parse(JsonElement word)
    {
        var harmed = false;
        return LenientText.Of(word, ref harmed) is ("ingest" or "read" or "gateway" or "admin") and var name
            ? ScopeNames.Parse(name)
            : Application.Projects.Scopes.None;
    }

    public JsonElement? Json(string name) => Member(name);

    /// <summary>Null is as good as absent.</summary>
    JsonElement? Member(string name) =>
        _body.ValueKind == JsonValueKind.Object && _body.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    static async Task<byte[]> BytesAsync(HttpContext http, CancellationToken ct)
    {
        using var body = new MemoryStream();
        var chunk = new byte[8 * 1024];
        int read;
        while ((read = await http.Request.Body.ReadAsync(chunk, ct)) > 0)
        {
            body.Write(chunk, 0, read);
            if (body.Length > MostBytes) throw new BadHttpRequestException($"The body has more than {MostBytes} bytes.", StatusCodes.Status413PayloadTooLarge);
        }
        return body.ToArray();
    }
}
