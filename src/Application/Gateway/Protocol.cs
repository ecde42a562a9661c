namespace Hindcast.Application.Gateway;

/// <summary>The ways to ask a model for something.</summary>
public enum Protocol
{
    /// <summary>OpenAI's chat completions.</summary>
    Chat,
    /// <summary>OpenAI's responses.</summary>
    Responses,
    /// <summary>OpenAI's embeddings.</summary>
    Embeddings,
    /// <summary>Anthropic's messages.</summary>
    Messages,
    /// <summary>Anthropic's count of what messages would use; free, and no call.</summary>
    CountTokens,
    /// <summary>The list of models; free, and no call.</summary>
    Models,
}

/// <summary>Whose API a provider speaks.</summary>
public enum UpstreamKind
{
    OpenAi,
    Anthropic,
}

public static class Protocols
{
    /// <summary>The kind of provider that speaks it; null where either does.</summary>
    public static UpstreamKind? KindOf(this Protocol protocol) => protocol switch
    {
        Protocol.Messages or Protocol.CountTokens => UpstreamKind.Anthropic,
        Protocol.Models => null,
        _ => UpstreamKind.OpenAi,
    };

    /// <summary>As it stands in facts.</summary>
    public static string Name(this Protocol protocol) => protocol switch
    {
        Protocol.Chat => "chat",
        Protocol.Responses => "responses",
        Protocol.Embeddings => "embeddings",
        Protocol.Messages => "messages",
        Protocol.CountTokens => "count_tokens",
        Protocol.Models => "models",
        _ => throw new ArgumentOutOfRangeException(nameof(protocol)),
    };

    public static string Name(this UpstreamKind kind) => kind switch
    {
        UpstreamKind.OpenAi => "openai",
        UpstreamKind.Anthropic => "anthropic",
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    /// <summary>Null for a word that is no kind.</summary>
    public static UpstreamKind? KindNamed(string? word) => word switch
    {
        "openai" => UpstreamKind.OpenAi,
        "anthropic" => UpstreamKind.Anthropic,
        _ => null,
    };
}
