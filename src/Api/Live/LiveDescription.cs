using System.Text.Json.Nodes;
using Microsoft.OpenApi;

namespace Hindcast.Api.Live;

/// <summary>What the doors of streams and sockets take, say and refuse, for the OpenAPI document.</summary>
internal static class LiveDescription
{
    const string Closing = "1001 the server stops, 1008 the key is revoked or expired, or more than 20 messages a second, 1013 too slow, all three with the reason; 1003, 1007 and 1009 for what is no text, no JSON object, larger than 64 KiB";

    public static void Stream(OpenApiOperation operation)
    {
        operation.Description = "The facts of traces, each once, in the order of the log: those behind a position, then, without a gap, those that come. Server-sent events; with Upgrade: websocket a WebSocket "
            + "with the same messages. A stream does not end by itself. Who falls behind for more than 10 s, or takes nothing for 10 s, is told and let go; the position it is told is the one to go on from.";
        Take(operation,
            ("from", JsonSchemaType.String, "A position, and the first message is the one behind it; start; or now (default). With server-sent events the header Last-Event-ID wins"),
            ("project_id", JsonSchemaType.String, "One project of the caller's; all of them without it"), ("trace_id", JsonSchemaType.String, "One trace"),
            ("types", JsonSchemaType.String, "Types of facts with commas between them: user_message, llm_response, error, …"),
            ("filter", JsonSchemaType.String, "The member filter of a search, as JSON, asked of what each fact alone says of its span; without the operator search"),
            ("speed", JsonSchemaType.String, "max (default), or 1 or 10: the past at the distances in which it was recorded, divided by that"),
            ("log_id", JsonSchemaType.String, "The X-Log-Id that the position came with: another log's is refused"));
        operation.Responses = new()
        {
            ["200"] = Says("X-Log-Id names the log. Each event has its position as id; a comment with an id, every 15 s, says how far the stream has come; the last event, of type closed, says why it ends and the position to go on from",
                "text/event-stream", """
                id: 41
                data: {"position":41,"revision":0,"trace_id":"t1","type":"user_message","at":"2026-01-02T03:04:05Z","data":{"content":"hi"}}

                id: 41
                data: {"type":"caught_up","position":41}

                id: 57
                : heartbeat

                event: closed
                data: {"type":"closed","reason":"too slow","position":57}


                """),
            ["101"] = Says($"A WebSocket: each message is the data of such an event. What a client says is not listened to. It is closed with: {Closing}; 1001 and 1013 name the last position"),
            ["400"] = Refusal("A parameter makes no sense; the message names it", "BAD_REQUEST"),
            ["401"] = Refusal("No key, or none that works", "UNAUTHORIZED"),
            ["403"] = Refusal("The key may not read, or not this project; or the page that asks for a WebSocket is of another origin", "FORBIDDEN"),
            ["410"] = Refusal("The position is not of this log, which was restored or replaced since: begin with start or now", "GONE"),
            ["429"] = Refusal("This key has as many streams and sockets open as it may, or asks too often; Retry-After says when", "RATE_LIMIT_EXCEEDED"),
            ["503"] = Refusal("Too many are open, or the log does not answer; Retry-After says when", "UNAVAILABLE"),
        };
    }

    public static void Socket(OpenApiOperation operation)
    {
        operation.Description = "News of the project's traces, from now on, as they can be read. With token the messages of the LLM Observatory, without it TraceLLM's. For the facts themselves, and for what was missed, see /api/v1/stream.";
        Take(operation, ("token", JsonSchemaType.String, "A token of /auth/token, for browsers, which can send no header here; chooses the Observatory's messages"));
        operation.Responses = new()
        {
            ["101"] = Says("TraceLLM: {\"type\":\"system.connected\",…}, then trace.created and trace.updated with trace and position; {\"type\":\"ping\",\"ts\":…} is answered with system.pong. Observatory: subscribe and unsubscribe "
                + "with events and filters, ping; then {\"type\":\"event\",\"event_type\":\"trace_created\"|\"trace_updated\",\"data\":…}. " + $"It is closed with: {Closing}"),
            ["401"] = Says("No key or token, or none that works"),
            ["403"] = Says("The key may not read, or the page that asks is of another origin"),
            ["426"] = Says("Not asked for as a WebSocket"),
            ["429"] = Says("This key has as many sockets open as it may, or asks too often"),
            ["503"] = Says("Too many are open"),
        };
    }

    static void Take(OpenApiOperation operation, params (string Name, JsonSchemaType Type, string Says)[] all)
    {
        operation.Parameters ??= [];
        foreach (var (name, type, says) in all)
            operation.Parameters.Add(new OpenApiParameter { Name = name, In = ParameterLocation.Query, Description = says, Schema = new OpenApiSchema { Type = type } });
    }

    static OpenApiResponse Refusal(string when, string code) =>
        Says(when, "application/json", new JsonObject { ["error"] = new JsonObject { ["code"] = code, ["message"] = "…" }, ["meta"] = new JsonObject { ["timestamp"] = "2026-01-02T03:04:05Z" } });

    static OpenApiResponse Says(string when, string? form = null, JsonNode? example = null) => new()
    {
        Description = when,
        Content = form is null ? null : new Dictionary<string, OpenApiMediaType> { [form] = new() { Example = example } },
    };
}
