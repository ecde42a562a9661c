namespace Hindcast.Application;

/// <summary>There is nothing by that name that the caller may see; somebody else's looks the same as none at all.</summary>
public sealed class NotFound(string what) : Exception(what);

/// <summary>A position that nothing of this log stands at.</summary>
public sealed class OfAnotherLog() : Exception("This position is not of this log: it was restored or replaced since. Start again, from=start or from=now.");

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

/// <summary>The request has a meaning, but answering it would cost more than one request may; says what to change.</summary>
/// <param name="code">As the contract's finer codes are written, such as <c>regex_too_complex</c>.</param>
public sealed class Unprocessable(string code, string message) : Exception(message)
{
    public string Code => code;
}
