namespace Hindcast.Domain.Analytics;

/// <summary>The line through equally spaced values that leaves the least squares.</summary>
/// <param name="Start">Its value at the first of them.</param>
/// <param name="Step">From one to the next.</param>
/// <param name="RSquared">Share of the variance it explains, 0 to 1; a flat row is explained whole.</param>
/// <param name="Mape">Mean absolute error in percent of the values that are not 0; null where all are.</param>
public sealed record Trend(double Start, double Step, double RSquared, double? Mape)
{
    public double At(int index) => Start + (Step * index);

    /// <param name="values">One or more.</param>
    public static Trend Of(IReadOnlyList<double> values)
    {
        var n = values.Count;
        var (middle, mean) = ((n - 1) / 2.0, values.Average());
        var across = values.Select((y, x) => (x - middle) * (y - mean)).Sum();
        var along = values.Select((_, x) => (x - middle) * (x - middle)).Sum();
        var step = along == 0 ? 0 : across / along;
        var line = new Trend(mean - (step * middle), step, 1, null);
        var (left, all) = (values.Select((y, x) => Math.Pow(y - line.At(x), 2)).Sum(), values.Sum(y => Math.Pow(y - mean, 2)));
        var errors = values.Select((y, x) => (y, Error: Math.Abs(y - line.At(x)))).Where(e => e.y != 0).Select(e => 100 * e.Error / Math.Abs(e.y)).ToList();
        return line with { RSquared = all == 0 ? 1 : Math.Clamp(1 - (left / all), 0, 1), Mape = errors.Count == 0 ? null : errors.Average() };
    }
}
