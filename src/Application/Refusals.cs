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

/// <summary>A query took longer than queries may (5 s); a narrower one may not.</summary>
public sealed class QueryTooSlow() : Exception("The query took too long. Narrow it: a shorter time range, fewer filters.");
