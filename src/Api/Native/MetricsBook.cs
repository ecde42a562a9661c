using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace Hindcast.Api.Native;

/// <summary>
/// What this process counted and timed since its start: the counters of our own meters, and the web server's request durations. Labels are methods,
/// routes and statuses, never anything that somebody sent.
/// </summary>
internal sealed class MetricsBook : IDisposable
{
    const string Requests = "http.server.request.duration";

    /// <summary>Upper bounds in seconds.</summary>
    static readonly double[] s_bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

    readonly record struct Door(string Method, string Route, string Status);

    readonly ConcurrentDictionary<Door, Histogram> _durations = new();
    readonly ConcurrentDictionary<string, Counted> _counters = new(StringComparer.Ordinal);
    readonly MeterListener _listener = new();

    sealed class Counted
    {
        public long Value;
    }

    public MetricsBook()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Name != Requests && !instrument.Meter.Name.StartsWith("Hindcast.", StringComparison.Ordinal)) return;
            if (instrument.Name != Requests) _counters.TryAdd(instrument.Name, new());
            listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<double>((_, seconds, tags, _) => _durations.GetOrAdd(DoorOf(tags), static _ => new()).Add(seconds));
        _listener.SetMeasurementEventCallback<long>((instrument, count, _, _) => Interlocked.Add(ref _counters.GetOrAdd(instrument.Name, static _ => new()).Value, count));
        _listener.Start();
    }

    /// <summary>As Prometheus reads it.</summary>
    public void Write(StringBuilder text)
    {
        foreach (var (name, counted) in _counters.OrderBy(c => c.Key, StringComparer.Ordinal))
            text.Append(CultureInfo.InvariantCulture, $"# TYPE {name.Replace('.', '_')}_total counter\n{name.Replace('.', '_')}_total {Volatile.Read(ref counted.Value)}\n");
        text.Append("# TYPE http_request_duration_seconds histogram\n");
        foreach (var (door, histogram) in _durations.OrderBy(d => d.Key.Route, StringComparer.Ordinal).ThenBy(d => d.Key.Method, StringComparer.Ordinal).ThenBy(d => d.Key.Status, StringComparer.Ordinal))
            histogram.Write(text, "http_request_duration_seconds", $"method=\"{door.Method}\",route=\"{door.Route}\",status=\"{door.Status}\"");
    }

    public void Dispose() => _listener.Dispose();

    static Door DoorOf(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var (method, route, status) = ("", "", "");
        foreach (var (name, value) in tags)
        {
            if (name == "http.request.method") method = value as string ?? "";
            else if (name == "http.route") route = value as string ?? "";
            else if (name == "http.response.status_code") status = Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";
        }
        return new(method, route, status);
    }

    sealed class Histogram
    {
        readonly Lock _gate = new();
        readonly long[] _counts = new long[s_bounds.Length + 1];
        double _sum;

        public void Add(double seconds)
        {
            var bucket = Array.FindIndex(s_bounds, bound => seconds <= bound);
            lock (_gate)
            {
                _counts[bucket < 0 ? s_bounds.Length : bucket]++;
                _sum += seconds;
            }
        }

        public void Write(StringBuilder text, string name, string labels)
        {
            lock (_gate)
            {
                var all = 0L;
                for (var i = 0; i < _counts.Length; i++)
                    text.Append(CultureInfo.InvariantCulture, $"{name}_bucket{{{labels},le=\"{(i < s_bounds.Length ? s_bounds[i].ToString(CultureInfo.InvariantCulture) : "+Inf")}\"}} {all += _counts[i]}\n");
                text.Append(CultureInfo.InvariantCulture, $"{name}_sum{{{labels}}} {_sum}\n{name}_count{{{labels}}} {all}\n");
            }
        }
    }
}
