using System.Text;
using System.Text.Json;
using Hindcast.Application.Payloads;

namespace Hindcast.Application.Gateway;

/// <summary>
/// The few members of a request's body that the gateway looks at, and where they stand. Everything else is the provider's: what is changed is
/// changed in place, and every other byte goes on as it came.
/// </summary>
public sealed class RequestForm
{
    readonly ReadOnlyMemory<byte> _body;
    (int From, int To) _model, _streamOptions, _includeUsage;
    bool _streamOptionsIsObject, _streamOptionsIsEmpty;

    RequestForm(ReadOnlyMemory<byte> body) => _body = body;

    public ReadOnlyMemory<byte> Body => _body;
    /// <summary>As the caller wrote it, prefix and all.</summary>
    public string Model { get; private set; } = "";
    public bool Stream { get; private set; }
    public bool AsksForUsage { get; private set; }
    /// <summary>The most tokens an answer may have; null where the caller set no bound.</summary>
    public long? MostOutput { get; private set; }
    /// <summary>Answers asked for at once.</summary>
    public long Choices { get; private set; } = 1;
    /// <summary>The end user, where the body names one (<c>user</c>, <c>metadata.user_id</c>).</summary>
    public string? User { get; private set; }

    /// <exception cref="BadRequest">The body is no sound JSON object, or names no model.</exception>
    public static RequestForm Read(ReadOnlyMemory<byte> body)
    {
        var form = new RequestForm(body);
        try
        {
            form.Walk();
            if (PayloadRules.Check(body.Span) is { } fault) throw new BadRequest(fault.Field, fault.Field.Length == 0 ? fault.Message : $"{fault.Field}: {fault.Message}");
        }
        catch (JsonException)
        {
            throw new BadRequest("body", "The body is no well-formed JSON.");
        }
        catch (InvalidOperationException)
        {
            throw new BadRequest("body", "A text of the body is not well-formed.");
        }
        if (form.Model.Length == 0) throw new BadRequest("model", "You must provide a model parameter.");
        return form;
    }

    void Walk()
    {
        var json = new Utf8JsonReader(_body.Span, new JsonReaderOptions { MaxDepth = 1024 });
        if (!json.Read() || json.TokenType != JsonTokenType.StartObject) throw new BadRequest("body", "The body must be a JSON object.");
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            if (json.ValueTextEquals("model"u8)) Model = Text(ref json, out _model) ?? throw new BadRequest("model", "model must be a text.");
            else if (json.ValueTextEquals("stream"u8)) Stream = Next(ref json) == JsonTokenType.True;
            else if (json.ValueTextEquals("user"u8)) User ??= Text(ref json, out _);
            else if (json.ValueTextEquals("n"u8)) Choices = Math.Max(1, Whole(ref json) ?? 1);
            else if (json.ValueTextEquals("max_tokens"u8) || json.ValueTextEquals("max_completion_tokens"u8) || json.ValueTextEquals("max_output_tokens"u8))
                MostOutput = Whole(ref json) ?? MostOutput;
            else if (json.ValueTextEquals("stream_options"u8)) ReadStreamOptions(ref json);
            else if (json.ValueTextEquals("metadata"u8)) ReadMetadata(ref json);
            else json.Skip();
        }
        while (json.Read()) { }
    }

    void ReadStreamOptions(ref Utf8JsonReader json)
    {
        json.Read();
        var from = (int)json.TokenStartIndex;
        if (json.TokenType == JsonTokenType.StartObject)
        {
            (_streamOptionsIsObject, _streamOptionsIsEmpty) = (true, true);
            while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
            {
                _streamOptionsIsEmpty = false;
                if (!json.ValueTextEquals("include_usage"u8))
                {
                    json.Skip();
                    continue;
                }
                json.Read();
                var at = (int)json.TokenStartIndex;
                AsksForUsage = json.TokenType == JsonTokenType.True;
                json.Skip();
                _includeUsage = (at, (int)json.BytesConsumed);
            }
        }
        else json.Skip();
        _streamOptions = (from, (int)json.BytesConsumed);
    }

    void ReadMetadata(ref Utf8JsonReader json)
    {
        json.Read();
        if (json.TokenType != JsonTokenType.StartObject)
        {
            json.Skip();
            return;
        }
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            if (json.ValueTextEquals("user_id"u8)) User ??= Text(ref json, out _);
            else json.Skip();
        }
    }

    static JsonTokenType Next(ref Utf8JsonReader json)
    {
        json.Read();
        var type = json.TokenType;
        json.Skip();
        return type;
    }

    static string? Text(ref Utf8JsonReader json, out (int, int) at)
    {
        json.Read();
        at = ((int)json.TokenStartIndex, (int)json.BytesConsumed);
        if (json.TokenType == JsonTokenType.String) return json.GetString();
        json.Skip();
        return null;
    }

    static long? Whole(ref Utf8JsonReader json)
    {
        json.Read();
        if (json.TokenType == JsonTokenType.Number) return json.TryGetInt64(out var whole) && whole >= 0 ? whole : null;
        json.Skip();
        return null;
    }

    /// <summary>The body with the model by its provider's name and, on wish, with the usage of a stream asked for.</summary>
    public ReadOnlyMemory<byte> For(string model, bool withUsage)
    {
        withUsage &= Stream && !AsksForUsage;
        if (model == Model && !withUsage) return _body;

        var edits = new List<(int From, int To, byte[] Text)>();
        if (model != Model) edits.Add((_model.From, _model.To, JsonSerializer.SerializeToUtf8Bytes(model)));
        if (withUsage) edits.Add(AskForUsage());
        var changed = new MemoryStream(_body.Length + 64);
        var at = 0;
        edits.Sort(static (a, b) => a.From.CompareTo(b.From));
        foreach (var (from, to, text) in edits)
        {
            changed.Write(_body.Span[at..from]);
            changed.Write(text);
            at = to;
        }
        changed.Write(_body.Span[at..]);
        return changed.GetBuffer().AsMemory(0, (int)changed.Length);
    }

    (int From, int To, byte[] Text) AskForUsage()
    {
        if (_includeUsage.To > 0) return (_includeUsage.From, _includeUsage.To, "true"u8.ToArray());
        if (_streamOptionsIsObject)
        {
            var inside = _streamOptions.From + 1;
            return (inside, inside, Encoding.UTF8.GetBytes($"\"include_usage\":true{(_streamOptionsIsEmpty ? "" : ",")}"));
        }
        if (_streamOptions.To > 0) return (_streamOptions.From, _streamOptions.To, "{\"include_usage\":true}"u8.ToArray());
        var first = _body.Span.IndexOf((byte)'{') + 1;
        return (first, first, "\"stream_options\":{\"include_usage\":true},"u8.ToArray());
    }
}
