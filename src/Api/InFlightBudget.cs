namespace Hindcast.Api;

/// <summary>
/// How many bytes of request bodies this process holds at once. Beyond it the answer is 503 with Retry-After: overload costs the callers a
/// wait and the server no memory (P7). A singleton.
/// </summary>
public sealed class InFlightBudget(long limit = InFlightBudget.DefaultLimit)
{
    public const long DefaultLimit = 64L << 20;
    const int LongestWait = 5;

    long _inUse;
    int _refused;

    public long InUse => Interlocked.Read(ref _inUse);

    /// <exception cref="BadRequestBody">503: the budget is spent; nothing was taken.</exception>
    public void Take(long bytes)
    {
        if (Interlocked.Add(ref _inUse, bytes) <= limit) return;
        Interlocked.Add(ref _inUse, -bytes);
        // Callers that were refused together should not come back together: the waits go round.
        var wait = (int)((uint)Interlocked.Increment(ref _refused) % LongestWait) + 1;
        throw new BadRequestBody(StatusCodes.Status503ServiceUnavailable, "overloaded", $"Too much is arriving at once; try again in {wait} s.")
        {
            RetryAfterSeconds = wait,
        };
    }

    public void Return(long bytes) => Interlocked.Add(ref _inUse, -bytes);
}
