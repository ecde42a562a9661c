namespace Hindcast.Client;

/// <summary>Where events go, in whose name, and how many may wait.</summary>
public sealed class HindcastOptions
{
    /// <summary>The server.</summary>
    public Uri BaseAddress { get; set; } = new("http://127.0.0.1:8080");

    /// <summary>A key with the scope <c>ingest</c>; with <c>gateway</c> too where models are called through the server.</summary>
    public string ApiKey { get; set; } = "";

    /// <summary>The agent whose traces these are.</summary>
    public string AgentName { get; set; } = "";

    /// <summary>Events that may wait to be sent; what comes beyond is dropped and told to <see cref="OnLost"/>.</summary>
    public int QueueLimit { get; set; } = 10_000;

    /// <summary>Events in one request, at most.</summary>
    public int BatchSize { get; set; } = 200;

    /// <summary>Attempts for one request. The events keep their ids, so a repeat is stored once.</summary>
    public int Attempts { get; set; } = 6;

    /// <summary>The pause after the first failed attempt; it doubles with each, and the server's <c>Retry-After</c> wins.</summary>
    public TimeSpan FirstPause { get; set; } = TimeSpan.FromMilliseconds(200);

    /// <summary>How long the end of the client waits for what is still to be sent.</summary>
    public TimeSpan LastWords { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Hears of events that will not arrive: how many, and why. Tracing never throws into the code it watches.</summary>
    public Action<int, string>? OnLost { get; set; }
}
