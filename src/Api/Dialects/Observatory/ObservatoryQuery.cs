using System.Globalization;
using System.Text.Json;
using Hindcast.Application;
using Hindcast.Application.Payloads;
using Hindcast.Application.Projects;
using Hindcast.Application.Search;

namespace Hindcast.Api.Dialects.Observatory;

/// <summary>A list that was asked for: what to search, how it is named for cursors and caches, and how long its answer may be kept.</summary>
/// <param name="Name">Everything that decides which rows come and in which order, as it was said, with who said it.</param>
/// <param name="Fields">Members of the answer; null for all.</param>
internal sealed record ObservatoryQuery(Search Search, string Name, string? Cursor, IReadOnlySet<string>? Fields, TimeSpan Keep)
{
    internal const int MostBodyBytes = 1 << 20;
    static readonly TimeSpan Recent = TimeSpan.FromHours(1);
    static readonly TimeSpan KeepRecent = TimeSpan.FromSeconds(60);
    static readonly TimeSpan KeepPast = TimeSpan.FromSeconds(300);
    static readonly JsonDocumentOptions s_strict = new() { AllowDuplicateProperties = false, MaxDepth = 128 };

    /// <summary>From the parameters of a list (4.3).</summary>
    public static ObservatoryQuery OfParameters(HttpContext http, Catalogue catalogue, DateTimeOffset now)
    {
        var given = new Parameters(http.Request.Query, now);
        var caller = http.Caller();
        var to = given.Time("to");
        var search = new Search(
            catalogue, Reach(caller, given.Text("project_id")), FilterOf(given, catalogue, to), SortOf(catalogue, given.Text("sort_by"), Descending(given.Text("sort_order"))), null, Limit(given.Whole("limit")));
        var said = string.Join('&', http.Request.Query.Where(q => q.Key is not ("cursor" or "limit" or "fields" or "include")).OrderBy(q => q.Key, StringComparer.Ordinal).Select(q => $"{q.Key}={q.Value}"));
        return Of(search, caller, $"GET {said}", given.Text("cursor"), given.Text("fields")?.Split(',', StringSplitOptions.TrimEntries), to is null || to > now - Recent ? KeepRecent : KeepPast);
    }

    /// <summary>From the body of a search (4.5).</summary>
    public static async Task<ObservatoryQuery> OfBodyAsync(HttpContext http, Catalogue catalogue, DateTimeOffset now, CancellationToken ct)
    {
        using var received = await RequestBody.ReadAsync(http, MostBodyBytes, ct);
        using var document = Parse(received.Bytes);
        var body = new Body(document.RootElement);
        var filter = body.Member("filter") is { } node ? new ObservatoryFilter(catalogue, now).Read(node) : Filter.Everything;
        var sort = SortOf(catalogue, body.Text("sort_by"), body.Flag("sort_desc"));
        var caller = http.Caller();
        var search = new Search(catalogue, Reach(caller, http.Request.Query["project_id"]), filter, sort, null, Limit(body.Whole("limit")));
        var said = body.Member("filter") is { } named ? JsonSerializer.Serialize(named) : "";
        return Of(search, caller, $"POST {http.Request.Query["project_id"]} {said}", body.Text("cursor"), body.Texts("fields"), KeepRecent);
    }

    static ObservatoryQuery Of(Search search, Caller caller, string said, string? cursor, IReadOnlyList<string>? fields, TimeSpan keep)
    {
        var selected = fields?.Where(ObservatoryTrace.Names.Contains).ToHashSet(StringComparer.Ordinal);
        if (selected is { Count: 0 } || search.In != SpanCatalogue.Instance) selected = null;
        selected?.UnionWith(["ts", "trace_id", "span_id"]);
        if (selected is not null && !selected.Contains("input_text") && !selected.Contains("output_text")) search = search with { WithTexts = false };
        var name = string.Join('\n',
            search.Projects is null ? "*" : string.Join(',', search.Projects), search.In.Table, caller.KeyId, caller.Role, search.Sort.Field.Name, search.Sort.Descending, said);
        // Clients that carry no cursor yet may send an empty one.
        return new(search, name, string.IsNullOrEmpty(cursor) ? null : cursor, selected, keep);
    }

    /// <summary>The projects a caller may look into, narrowed to one where it is named.</summary>
    public static IReadOnlyList<string>? Reach(Caller caller, string? project)
    {
        if (caller.Projects is []) throw new Forbidden("PROJECT_REQUIRED", "Project ID is required");
        if (string.IsNullOrEmpty(project)) return caller.Projects;
        return caller.Projects?.Contains(project) != false && !project.Contains('\0') ? [project] : throw new Forbidden("PROJECT_ACCESS_DENIED", "Project access denied");
    }

    static Filter FilterOf(Parameters given, Catalogue catalogue, DateTimeOffset? to)
    {
        var filter = Filter.Everything;
        if (given.Time("from") is { } from) Add("ts", FilterOperator.Gte, from);
        if (to is not null) Add("ts", FilterOperator.Lte, to);
        foreach (var name in (ReadOnlySpan<string>)["trace_id", "provider", "model", "environment", "user_id", "session_id", "operation_type"]) Add(name, FilterOperator.Eq, given.Text(name));
        if (given.Text("status") is { } status)
        {
            if (status.ToUpperInvariant() is not ("SUCCESS" or "OK" or "ERROR" or "UNSET")) throw new BadRequest("status", "status must be SUCCESS, ERROR or UNSET");
            Add("status_code", FilterOperator.Eq, status);
        }
        Add("duration_ms", FilterOperator.Gte, (decimal?)given.Whole("min_duration"));
        Add("duration_ms", FilterOperator.Lte, (decimal?)given.Whole("max_duration"));
        Add("total_cost_usd", FilterOperator.Gte, given.Usd("min_cost"));
        Add("total_cost_usd", FilterOperator.Lte, given.Usd("max_cost"));
        Add("total_tokens", FilterOperator.Gte, (decimal?)given.Whole("min_tokens"));
        Add("total_tokens", FilterOperator.Lte, (decimal?)given.Whole("max_tokens"));
        foreach (var tag in given.Text("tags")?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? []) Add("tags", FilterOperator.Eq, tag);
        if (given.Text("search") is { } text)
            filter = filter.And(new AnyOf([
                Conditions.Of(catalogue.Field("input_text"), FilterOperator.Contains, text), Conditions.Of(catalogue.Field("output_text"), FilterOperator.Contains, text)]));
        return filter;

        void Add(string field, FilterOperator op, object? value)
        {
            if (value is not null) filter = filter.And(Conditions.Of(catalogue.Field(field), op, value));
        }
    }

    static SearchSort SortOf(Catalogue catalogue, string? by, bool descending) => new(catalogue.SortField(string.IsNullOrEmpty(by) ? "ts" : by), descending);

    static bool Descending(string? order) => order?.ToLowerInvariant() switch
    {
        null or "desc" => true,
        "asc" => false,
        _ => throw new BadRequest("sort_order", "sort_order must be asc or desc"),
    };

    static int Limit(long? limit) => limit switch
    {
        null => 50,
        < 1 => throw new BadRequest("limit", "Limit must be at least 1"),
        > 1000 => throw new BadRequest("limit", "Limit cannot exceed 1000"),
        { } given => (int)given,
    };

    internal static JsonDocument Parse(ReadOnlyMemory<byte> body)
    {
        try
        {
            var document = JsonDocument.Parse(body, s_strict);
            if (document.RootElement.ValueKind == JsonValueKind.Object) return document;
            document.Dispose();
        }
        catch (JsonException)
        {
            // Said below.
        }
        throw new MalformedBody("The body must be a JSON object, nested at most 128 deep, that names no member twice");
    }

    /// <summary>Members of a body: null is as good as absent, and what cannot be read is named.</summary>
    internal readonly struct Body(JsonElement body)
    {
        public JsonElement? Member(string name) => body.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

        public string? Text(string name) => Member(name) is not { } value ? null : TextOf(value, name);

        public bool Flag(string name) => Member(name)?.ValueKind switch
        {
            null or JsonValueKind.False => false,
            JsonValueKind.True => true,
            _ => throw new BadRequest(name, $"{name} must be true or false"),
        };

        public long? Whole(string name) => Member(name) is not { } value ? null
            : value.ValueKind == JsonValueKind.Number && value.IsWhole(out var number) ? number
            : throw new BadRequest(name, $"{name} must be a whole number");

        public IReadOnlyList<string>? Texts(string name) => Member(name) is not { } value ? null
            : value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray().Select(v => TextOf(v, name))]
            : throw new BadRequest(name, $"{name} must be an array of strings");

        static string TextOf(JsonElement value, string name)
        {
            var harmed = false;
            return value.ValueKind == JsonValueKind.String && LenientText.Of(value, ref harmed) is { } text && !harmed ? text : throw new BadRequest(name, $"{name} must be a string");
        }
    }

    /// <summary>Query parameters: empty is absent, one that stands twice is refused, and what cannot be read is named.</summary>
    internal readonly struct Parameters(IQueryCollection query, DateTimeOffset now)
    {
        /// <summary>No text of ours holds NUL, and PostgreSQL would not so much as look for one.</summary>
        public string? Text(string name) => query[name] switch
        {
            [] or [null or ""] => null,
            [{ } text] => text.Contains('\0') ? throw new BadRequest(name, $"{name} must not contain NUL") : text,
            _ => throw new BadRequest(name, $"{name} must be given once"),
        };

        public long? Whole(string name) => Text(name) is not { } text ? null
            : long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? value
            : throw new BadRequest(name, $"{name} must be a whole number");

        public decimal? Usd(string name) => Text(name) is not { } text ? null
            : decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) ? value
            : throw new BadRequest(name, $"{name} must be a number");

        public DateTimeOffset? Time(string name) => Text(name) is not { } text ? null
            : ObservatoryTimes.TryParse(text, now, out var time) ? time
            : throw new BadRequest(name, $"{name} must be an ISO 8601 time, now, or now-1h");
    }
}
