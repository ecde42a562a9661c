using System.Text;
using System.Text.Json;
using Hindcast.Domain.Traces;

namespace Hindcast.Application.Gateway;

/// <summary>What a model said, put together from a body or from the events of a stream; whole or as far as it came.</summary>
public sealed class Answer
{
    public string? Id { get; set; }
    /// <summary>As the provider names it in its answer.</summary>
    public string? Model { get; set; }
    public StringBuilder Text { get; } = new();
    public StringBuilder Refusal { get; } = new();
    /// <summary>Thoughts with their signatures, in order; a redacted one is its ciphertext.</summary>
    public List<Thought> Thinking { get; } = [];
    public List<ToolCall> ToolCalls { get; } = [];
    public string? FinishReason { get; set; }
    /// <summary>Null while the provider reported none.</summary>
    public Usage? Usage { get; set; }
    /// <summary>As the provider reported it, JSON.</summary>
    public string? ReportedUsage { get; set; }
    /// <summary>All choices as JSON, where there are several.</summary>
    public string? Choices { get; set; }
    /// <summary>What the provider called an error, whatever its HTTP status was.</summary>
    public string? Error { get; set; }
    /// <summary>It came to its end, by its own protocol.</summary>
    public bool Finished { get; set; }
    public int? Embeddings { get; set; }
    public int? Dimensions { get; set; }

    /// <summary>Characters of text, thought and tool arguments: what an estimate is made from.</summary>
    public long Characters => Text.Length + Refusal.Length + Thinking.Sum(t => (long)t.Text.Length) + ToolCalls.Sum(c => (long)c.Arguments.Length + c.Name.Length);
}

public sealed class Thought
{
    public StringBuilder Text { get; } = new();
    public string? Signature { get; set; }
    public bool Redacted { get; init; }
}

public sealed class ToolCall
{
    public string? Id { get; set; }
    public string Name { get; set; } = "";
    /// <summary>JSON text, as the model wrote it.</summary>
    public StringBuilder Arguments { get; } = new();
}

/// <summary>Reads the answer to one call.</summary>
public interface IAnswerReader
{
    Answer Answer { get; }

    void TakeBody(JsonElement body);

    void TakeEvent(string? name, JsonElement data);

    /// <summary>Takes an event that only adds text; false when it says anything else, and is to be looked at as a whole.</summary>
    bool TakeText(ReadOnlySpan<byte> data) => false;
}

/// <summary>How a protocol is read: the dialect's part in recording a call.</summary>
public interface IWire
{
    Protocol Protocol { get; }

    /// <summary>Whether the caller hands a tool's answer to the model, and does not speak itself.</summary>
    bool EndsWithToolResult(JsonElement request);

    IAnswerReader Read();

    /// <summary>Takes the usage out of a stream that was asked for it by us alone; null where the protocol tells it unasked.</summary>
    IStreamRewrite? WithoutUsage();

    /// <summary>The events that tell a caller, in the middle of its stream, that the provider broke off.</summary>
    byte[] BrokenOff(string message);
}
