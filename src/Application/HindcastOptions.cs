using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Hindcast.Application;

/// <summary>Settings, section <c>Hindcast</c>; environment form <c>Hindcast__DataDirectory</c> and so on.</summary>
public sealed class HindcastOptions
{
    /// <summary>Log, read models and keys of the embedded engines.</summary>
    /// <value>Default <c>data</c> under the working directory.</value>
    [Required] public string DataDirectory { get; set; } = "data";

    /// <summary>An admin key of the project <c>default</c>, taken as it is; without one, a key is made at the first start and printed once.</summary>
    [MinLength(16)] public string? AdminKey { get; set; }

    /// <summary>Whoever reaches the server is let in without a key, as an administrator. It then starts on loopback addresses only.</summary>
    /// <value>Default false.</value>
    public bool Open { get; set; }

    [ValidateObjectMembers] public LiveOptions Live { get; set; } = new();

    public OtlpOptions Otlp { get; set; } = new();

    [ValidateObjectMembers] public JwtOptions Jwt { get; set; } = new();

    /// <summary>Tells logs on one EventStoreDB server apart: a named log's streams begin with its name and a dot. The embedded log needs none.</summary>
    [RegularExpression("[a-z0-9_]{1,64}")] public string? LogName { get; set; }

    [ValidateObjectMembers] public LimitOptions Limits { get; set; } = new();

    public ProjectionOptions Projections { get; set; } = new();

    [ValidateObjectMembers] public GatewayOptions Gateway { get; set; } = new();

    [ValidateObjectMembers] public RetentionOptions Retention { get; set; } = new();

    public AlertOptions Alerts { get; set; } = new();

    [ValidateObjectMembers] public TimeTravelOptions TimeTravel { get; set; } = new();

    /// <summary>
    /// Contents of traces are written to the log sealed with keys of their traces and users, so that destroying a key erases them. Without, whoever
    /// reads the log's file reads all of it, what is erased later too. Costs about 3 µs of processor an event on the way in. The keys are in the
    /// vault of this node, and no other node can read what they seal: leave it off with several nodes on one log.
    /// </summary>
    /// <value>Default: true over the embedded log, which one node has to itself; false over EventStoreDB.</value>
    public bool? Sealing { get; set; }
}

/// <summary>How far back traces can be read on this installation; how long a project keeps them at all is set by <c>PUT /api/v1/retention</c>. The log keeps every fact, so a longer reach is a rebuild away; sums of time buckets stay.</summary>
public sealed class RetentionOptions
{
    /// <summary>Traces first recorded more than so many days ago go from the read models, by whole days.</summary>
    /// <value>Default none: they stay.</value>
    [Range(1, 36_500)] public int? Days { get; set; }
}

/// <summary>Lists and figures as they were at a time: <c>as_of</c>.</summary>
public sealed class TimeTravelOptions
{
    /// <summary>Facts of the projects asked about, recorded up to that time, that one question may fold again; where there are more, it is refused.</summary>
    /// <value>Default 500,000, which take some 15 s of one processor, and as much disk as their read models.</value>
    [Range(1, 100_000_000)] public int Facts { get; set; } = 500_000;
}

public sealed class AlertOptions
{
    /// <summary>How long after its end a minute is looked at: requests are told of when they end, and some come late.</summary>
    /// <value>Default 30 s.</value>
    public TimeSpan Settle { get; set; } = TimeSpan.FromSeconds(30);
}

/// <summary>OpenTelemetry's protocol.</summary>
public sealed class OtlpOptions
{
    /// <summary>Where OTLP over gRPC listens, without TLS; empty: nowhere. A port that is taken stops the start only when it is named here.</summary>
    /// <value>Default <c>http://127.0.0.1:4317</c>.</value>
    public string? GrpcEndpoint { get; set; }
}

/// <summary>Tokens.</summary>
public sealed class JwtOptions
{
    /// <summary>Signs and checks tokens (HS256).</summary>
    /// <value>32 characters or more; default one that is made at the first start and kept in the vault.</value>
    [MinLength(32)] public string? Secret { get; set; }
}

/// <summary>What one key may ask of us in a minute.</summary>
public sealed class LimitOptions
{
    /// <value>Ingest requests; default 5,000.</value>
    [Range(1, int.MaxValue)] public int RequestsPerMinute { get; set; } = 5_000;

    /// <value>Ingested bytes; default 300 MiB.</value>
    [Range(1, long.MaxValue)] public long BytesPerMinute { get; set; } = 300L * 1024 * 1024;

    /// <value>Queries; default 1,000.</value>
    [Range(1, int.MaxValue)] public int QueriesPerMinute { get; set; } = 1_000;
}

/// <summary>Sockets of the live feed.</summary>
public sealed class LiveOptions
{
    /// <summary>Pages of these origins may open a socket, besides our own; <c>https://host[:port]</c>.</summary>
    public string[] Origins { get; set; } = [];

    /// <value>Sockets of one key; default 100.</value>
    [Range(1, int.MaxValue)] public int SocketsPerKey { get; set; } = 100;

    /// <value>Sockets in all; default 10,000.</value>
    [Range(1, int.MaxValue)] public int Sockets { get; set; } = 10_000;
}

public sealed class ProjectionOptions
{
    /// <summary>Leaves the read models where they are; for measuring the log alone.</summary>
    /// <value>Default false.</value>
    public bool Paused { get; set; }
}

/// <summary>What a call through the gateway may take.</summary>
public sealed class GatewayOptions
{
    /// <summary>How long a stream's first byte may take.</summary>
    /// <value>Default 60 s.</value>
    public TimeSpan FirstByte { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>How long an answer may take in all.</summary>
    /// <value>Default 10 min.</value>
    public TimeSpan Total { get; set; } = TimeSpan.FromMinutes(10);

    /// <value>Default 32 MiB.</value>
    [Range(1, int.MaxValue)] public int MostRequestBytes { get; set; } = 32 << 20;

    /// <value>Default 64 MiB.</value>
    [Range(1, int.MaxValue)] public int MostAnswerBytes { get; set; } = 64 << 20;

    /// <summary>What is recorded of calls waits in memory while the log is away; what is beyond so many bytes is dropped and counted.</summary>
    /// <value>Default 64 MiB.</value>
    [Range(1, long.MaxValue)] public long SpoolBytes { get; set; } = 64 << 20;

    /// <summary>
    /// How long calls gather before they are written together; what a process that is killed may leave out of its traces. While calls keep the
    /// processors busy it is a second.
    /// </summary>
    /// <value>Default 100 ms; at most a day.</value>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")] public TimeSpan Gather { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Calls of one key that may be under way.</summary>
    /// <value>Default 50.</value>
    [Range(1, int.MaxValue)] public int CallsAtOnce { get; set; } = 50;
}
