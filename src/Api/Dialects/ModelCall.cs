using Hindcast.Application;
using Hindcast.Application.Gateway;
using Hindcast.Domain.Traces;
using Microsoft.Extensions.Options;

namespace Hindcast.Api.Dialects;

/// <summary>A call of a model, from its request to its answer; what the doors of both dialects share.</summary>
internal static class ModelCall
{
    const int MadeIdLength = 16, MadeIdTime = 7;
    const string Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    /// <summary>Of the caller's headers these go on; keys, cookies and names of accounts stay here.</summary>
    static readonly string[] s_passed = ["anthropic-version", "anthropic-beta", "OpenAI-Beta", "Idempotency-Key"];

    public static async Task MakeAsync(HttpContext http, Protocol protocol, CancellationToken ct)
    {
        var call = await ReadAsync(http, protocol, ct);
        var headers = http.Response.Headers;
        headers["X-Trace-ID"] = headers["X-Thread-ID"] = Printable(call.TraceId);
        headers["X-Span-ID"] = Printable(call.SpanId);
        await http.RequestServices.GetRequiredService<ModelGateway>().RunAsync(call, new ToCaller(http), ct);
    }

    /// <summary>A question that is no call: passed on, answered, and not recorded.</summary>
    public static async Task AskAsync(HttpContext http, Protocol protocol, Provider provider, ReadOnlyMemory<byte> body, CancellationToken ct)
    {
        var answer = await http.RequestServices.GetRequiredService<Questions>().AskAsync(new(provider, protocol, body, false, Passed(http.Request)), ct);
        new ToCaller(http).Begin(answer.Status, answer.ContentType, answer.Headers, answer.Body.Length);
        await http.Response.BodyWriter.WriteAsync(answer.Body, ct);
    }

    public static async Task<RequestForm> FormAsync(HttpContext http, CancellationToken ct)
    {
        var limits = http.RequestServices.GetRequiredService<IOptions<HindcastOptions>>().Value.Gateway;
        using var body = await RequestBody.ReadAsync(http, limits.MostRequestBytes, ct);
        // A copy: the call may last ten minutes, and what is held of bodies on their way in is for ingestion.
        return RequestForm.Read(body.Bytes.ToArray());
    }

    static async Task<GatewayCall> ReadAsync(HttpContext http, Protocol protocol, CancellationToken ct)
    {
        var request = http.Request;
        var trace = Id(request, "X-Trace-ID", TraceRules.LongestTraceId) ?? Id(request, "X-Thread-ID", TraceRules.LongestTraceId);
        var form = await FormAsync(http, ct);
        var control = request.Headers.CacheControl.ToString();
        var now = http.RequestServices.GetRequiredService<TimeProvider>().GetUtcNow();
        return new()
        {
            Caller = http.Caller(),
            Protocol = protocol,
            Form = form,
            TraceId = trace ?? $"thread_{MadeId(now)}",
            SpanId = Id(request, "X-Span-ID", TraceRules.LongestSpanId) ?? $"span_{MadeId(now)}",
            ParentSpanId = Id(request, "X-Parent-Span-ID", TraceRules.LongestSpanId),
            UserId = Id(request, "X-External-User-Id", TraceRules.LongestUser) ?? (form.User?.Length <= TraceRules.LongestUser ? form.User : null),
            SessionId = Id(request, "X-Session-ID", TraceRules.LongestName),
            Agent = Id(request, "X-Agent-Name", TraceRules.LongestName),
            Headers = Passed(request),
            WantsCache = request.Headers["X-Trops-Cache"].ToString() is "on" or "true" or "1",
            NoCache = control.Contains("no-cache", StringComparison.OrdinalIgnoreCase),
            NoStore = control.Contains("no-store", StringComparison.OrdinalIgnoreCase),
        };
    }

    static List<KeyValuePair<string, string>> Passed(HttpRequest request)
    {
        var passed = new List<KeyValuePair<string, string>>();
        foreach (var name in s_passed)
            if (request.Headers[name] is { Count: > 0 } values) passed.Add(new(name, values.ToString()));
        return passed;
    }

    /// <summary>Null where nothing is given. An id too long, or of characters nobody can see, is a mistake its sender should hear of.</summary>
    static string? Id(HttpRequest request, string header, int longest)
    {
        var id = request.Headers[header].ToString();
        if (id.Length == 0) return null;
        if (id.Length > longest) throw new BadRequest(header, $"{header} must be at most {longest} characters.");
        return id.Any(c => char.IsControl(c) || char.IsSurrogate(c) || c == '\uFFFD') ? throw new BadRequest(header, $"{header} holds characters that no id may have.") : id;
    }

    /// <summary>
    /// The milliseconds first, then chance: ids that are made one after the other stand side by side in every table and index they are a key of, and
    /// a page of new traces touches a few pages of the disk instead of one for each.
    /// </summary>
    static string MadeId(DateTimeOffset now) => string.Create(MadeIdLength, now.ToUnixTimeMilliseconds(), static (id, ms) =>
    {
        for (var i = MadeIdTime - 1; i >= 0; i--) (ms, id[i]) = (ms / Alphabet.Length, Alphabet[(int)(ms % Alphabet.Length)]);
        Random.Shared.GetItems(Alphabet, id[MadeIdTime..]);
    });

    /// <summary>A header takes ASCII only; an id of other characters comes back escaped.</summary>
    static string Printable(string id) => id.AsSpan().ContainsAnyExceptInRange(' ', '~') ? Uri.EscapeDataString(id) : id;

    /// <summary>The caller's side of the connection.</summary>
    sealed class ToCaller(HttpContext http) : IAnswerTo
    {
        public void Begin(int status, string? contentType, IReadOnlyList<KeyValuePair<string, string>> headers, long? length)
        {
            var response = http.Response;
            (response.StatusCode, response.ContentType, response.ContentLength) = (status, contentType, length);
            foreach (var (name, value) in headers) response.Headers[name] = value;
            response.Headers.CacheControl = "private, no-store";
            // A proxy in front of us must not gather what comes piece by piece.
            response.Headers["X-Accel-Buffering"] = "no";
        }

        public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken ct)
        {
            var flushed = await http.Response.BodyWriter.WriteAsync(bytes, ct);
            if (flushed.IsCompleted || flushed.IsCanceled) throw new OperationCanceledException("The caller is gone.", http.RequestAborted);
        }
    }
}
