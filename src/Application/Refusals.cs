namespace Hindcast.Application;

/// <summary>There is nothing by that name that the caller may see; somebody else's looks the same as none at all.</summary>
public sealed class NotFound(string what) : Exception(what);

/// <summary>The request asks for something that has no meaning; the message names the field.</summary>
public sealed class BadRequest(string about, string message) : Exception(message)
{
    public string Field => about;
}

/// <summary>The answer cannot be given now, but later.</summary>
public sealed class Unavailable(string message, TimeSpan retryAfter) : Exception(message)
{
    public TimeSpan RetryAfter => retryAfter;
}
