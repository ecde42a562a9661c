namespace Hindcast.Application.ReadModels;

/// <summary>
/// How much of what is due goes at once. Steady traffic loses a day a day. When far more is due, days were set to a new number, or the clock
/// is wrong: so that a clock ten years ahead does not empty every list before anybody looks, a sweep takes a tenth of the days there are.
/// </summary>
internal static class Retention
{
    /// <param name="held">Days that hold rows, the oldest first.</param>
    /// <param name="due">All days before it are older than they have to be kept.</param>
    /// <returns>Days before this one go now: <paramref name="due"/>, or less.</returns>
    public static int ForgetBefore(IReadOnlyList<int> held, int due)
    {
        var most = Math.Max(1, held.Count / 10);
        return held.Count > most ? Math.Min(due, held[most]) : due;
    }
}
