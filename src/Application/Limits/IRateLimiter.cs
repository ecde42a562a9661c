namespace Hindcast.Application.Limits;

/// <summary>Buckets that fill steadily and are drawn from: what somebody may still do.</summary>
/// <remarks>
/// Every engine MUST keep these promises, and <c>RateLimiterContract</c> holds each engine to each of them:
/// <list type="number">
/// <item>A new bucket is full. Drawing takes all of the amount or none of it.</item>
/// <item>However many draw at once, from however many nodes on one engine, no more is taken than was there.</item>
/// <item>Buckets of different names know nothing of each other.</item>
/// <item>A clock that goes back gives nobody more.</item>
/// <item>An engine that is away is stood in for by a limiter of this process: the same limit, counted per process.</item>
/// </list>
/// </remarks>
public interface IRateLimiter
{
    ValueTask<Draw> DrawAsync(string bucket, Allowance allowance, long amount, CancellationToken ct);
}

/// <param name="PerMinute">How fast the bucket fills.</param>
/// <param name="Burst">How much it holds.</param>
public readonly record struct Allowance(long PerMinute, long Burst)
{
    /// <summary>A bucket that holds a minute's worth.</summary>
    public static Allowance Minute(long perMinute) => new(perMinute, perMinute);

    /// <summary>Held after some time without drawing.</summary>
    public double Filled(double held, TimeSpan passed) => Math.Min(Burst, held + (PerMinute * Math.Max(0, passed.TotalMinutes)));

    /// <summary>What became of an attempt that leaves <paramref name="held"/>.</summary>
    public Draw Drawn(bool taken, double held, long amount) => new(
        taken, (long)Math.Max(0, held),
        taken ? TimeSpan.Zero : TimeSpan.FromMinutes((amount - held) / PerMinute),
        TimeSpan.FromMinutes(Math.Max(0, Burst - held) / PerMinute));
}

/// <param name="Remaining">What is left in the bucket.</param>
/// <param name="Wait">How long until the amount will be there; zero when it was taken.</param>
/// <param name="UntilFull">How long until the bucket is full again.</param>
public readonly record struct Draw(bool Taken, long Remaining, TimeSpan Wait, TimeSpan UntilFull);
