using AutoMapper;
using Hindcast.Api.Native;
using Hindcast.Application;
using Hindcast.Application.Exports;
using Hindcast.Application.Search;
using MediatR;

namespace Hindcast.Api.Dialects.Observatory;

/// <summary>Exports of spans (contract 4.11): a job, its progress, its file. A job of another project looks exactly like an absent one.</summary>
internal static class ObservatoryExports
{
    const int MostRows = 1_000_000;
    const int MostDays = 365;

    /// <summary>
    /// <c>POST /api/v1/export/traces</c>: <c>format</c> csv, json or jsonl; <c>compression</c> none or gzip; <c>start_time</c>, <c>end_time</c> (at most 365 days),
    /// <c>provider</c>, <c>model</c>, <c>environment</c>, <c>user_id</c>, <c>status_code</c>, <c>filter</c> (as of a search), <c>fields</c>, <c>limit</c> (100,000), and
    /// <c>raw</c> for CSV whose cells are not made harmless for spreadsheets. 202 with the job.
    /// </summary>
    public static async Task<IResult> Create(HttpContext http, IMapper mapper, ExportJobs jobs, IMediator app, TimeProvider clock, CancellationToken ct)
    {
        using var received = await RequestBody.ReadAsync(http, ObservatoryQuery.MostBodyBytes, ct);
        using var document = ObservatoryQuery.Parse(received.Bytes);
        var (body, now) = (new ObservatoryQuery.Body(document.RootElement), clock.GetUtcNow());
        var project = ObservatoryWindow.Of(http.Caller(), body.Text("project_id") ?? http.Request.Query["project_id"]).Project;
        var format = body.Text("format") is "csv" or "json" or "jsonl" ? body.Text("format")! : throw new BadRequest("format", "format must be csv, json or jsonl");
        var gzip = body.Text("compression") switch
        {
            null or "none" => false,
            "gzip" => true,
            _ => throw new BadRequest("compression", "compression must be none or gzip"),
        };
        var limit = body.Whole("limit") switch
        {
            null => 100_000,
            < 1 => throw new BadRequest("limit", "limit must be at least 1"),
            > MostRows => throw new BadRequest("limit", "limit cannot exceed 1,000,000"),
            { } given => (int)given,
        };
        var fields = body.Texts("fields")?.Where(ObservatoryTrace.Names.Contains).ToHashSet(StringComparer.Ordinal);
        if (fields is { Count: 0 }) fields = null;
        fields?.UnionWith(["ts", "trace_id", "span_id"]);
        var search = new Search(SpanCatalogue.Instance, [project], FilterOf(body, now), new(SpanCatalogue.Instance.SortField("ts"), true), null, 1)
        {
            WithTexts = fields is null || fields.Contains("input_text") || fields.Contains("output_text"),
        };
        if (jobs.Of([project]).Count(j => j.IsUnderWay) >= ExportJobs.MostUnderWay) throw new TooMany($"A project has at most {ExportJobs.MostUnderWay} exports under way.", TimeSpan.FromSeconds(10));

        var id = Guid.NewGuid();
        var file = $"traces-{now:yyyyMMdd-HHmmss}-{id.ToString("n")[..8]}.{format}{(gzip ? ".gz" : "")}";
        var job = await app.Send(new StartExport(http.Caller(), new(id, project, format, gzip, file, now, limit), new(search, ObservatoryFiles.Form(format, mapper, fields, body.Flag("raw")))), ct);
        return Results.Json(Shown(job, now), Envelope.Full, statusCode: 202);
    }

    /// <summary><c>GET /api/v1/export/jobs</c>: the newest first; <c>status</c>, <c>limit</c> (20, at most 100), <c>offset</c>.</summary>
    public static IResult List(HttpContext http, ExportJobs jobs, TimeProvider clock)
    {
        var given = new QueryValues(http.Request.Query);
        var (limit, offset) = (given.Whole("limit", 20, 1, 100), given.Whole("offset", 0, 0, int.MaxValue));
        var all = jobs.Of(ObservatoryQuery.Reach(http.Caller(), given.Text("project_id")));
        if (given.Text("status") is { } status)
            all = Enum.TryParse<ExportState>(status, ignoreCase: true, out var state) && Enum.IsDefined(state) && !char.IsDigit(status[0])
                ? [.. all.Where(j => j.State == state)]
                : throw new BadRequest("status", "status must be pending, processing, completed, failed, cancelled or expired");
        return Results.Json(new
        {
            jobs = all.Skip(offset).Take(limit).Select(j => Shown(j, clock.GetUtcNow())),
            pagination = new { total = all.Count, limit, offset, has_more = (long)offset + limit < all.Count },
        }, Envelope.Full);
    }

    public static IResult Get(string id, HttpContext http, ExportJobs jobs, TimeProvider clock) => Results.Json(Shown(Find(id, http, jobs), clock.GetUtcNow()), Envelope.Full);

    /// <summary><c>DELETE /api/v1/export/jobs/{id}</c>: 204, or 409 when it has ended already.</summary>
    public static async Task<IResult> Cancel(string id, HttpContext http, ExportJobs jobs, IMediator app, CancellationToken ct)
    {
        var job = Find(id, http, jobs);
        return await app.Send(new CancelExport(http.Caller(), job), ct) ? Results.NoContent() : throw new ExportStands(job.State, "only one that is pending or processing is cancelled");
    }

    /// <summary><c>GET /api/v1/export/jobs/{id}/download</c>: the file, whole or a range of it; 409 while it is not there.</summary>
    public static IResult Download(string id, HttpContext http, ExportJobs jobs)
    {
        var job = Find(id, http, jobs);
        if (job.State is not ExportState.Completed) throw new ExportStands(job.State, "there is no file");
        var type = job.Gzip ? "application/gzip" : job.Format switch { "csv" => "text/csv; charset=utf-8", "json" => "application/json", _ => "application/x-ndjson" };
        http.Response.Headers.XContentTypeOptions = "nosniff";
        http.Response.Headers.CacheControl = "private, no-store";
        return Results.File(new FileStream(jobs.PathOf(job.Id), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete), type, job.File, enableRangeProcessing: true);
    }

    /// <exception cref="NotFound">There is none that the caller may see.</exception>
    static ExportJob Find(string id, HttpContext http, ExportJobs jobs) =>
        Guid.TryParseExact(id, "D", out var guid) && jobs.Find(guid) is { } job && http.Caller().Projects?.Contains(job.Project) != false
            ? job
            : throw new NotFound($"Export job '{id}' not found");

    static Filter FilterOf(ObservatoryQuery.Body body, DateTimeOffset now)
    {
        var spans = SpanCatalogue.Instance;
        var filter = body.Member("filter") is { } node ? new ObservatoryFilter(spans, now).Read(node) : Filter.Everything;
        var (from, to) = (Time("start_time"), Time("end_time"));
        if (from >= to) throw new BadRequest("start_time", "start_time must be before end_time");
        if (to - from > TimeSpan.FromDays(MostDays)) throw new BadRequest("start_time", $"Time range cannot exceed {MostDays} days");
        if (from is not null) filter = filter.And(Conditions.Of(spans.Field("ts"), FilterOperator.Gte, from));
        if (to is not null) filter = filter.And(Conditions.Of(spans.Field("ts"), FilterOperator.Lt, to));
        foreach (var name in (ReadOnlySpan<string>)["provider", "model", "environment", "user_id", "status_code"])
            if (body.Text(name) is { } value) filter = filter.And(Conditions.Of(spans.Field(name), FilterOperator.Eq, value));
        return filter;

        DateTimeOffset? Time(string name) => body.Text(name) is not { } text ? null
            : ObservatoryTimes.TryParse(text, now, out var time) ? time
            : throw new BadRequest(name, $"{name} must be an ISO 8601 time, now, or now-1h");
    }

    static string Name(ExportState state) => state.ToString().ToLowerInvariant();

    static object Shown(ExportJob job, DateTimeOffset now) => new
    {
        job_id = job.Id, org_id = "default", project_id = job.Project, status = Name(job.State), job.Format, compression = job.Gzip ? "gzip" : "none", created_at = job.CreatedAt.UtcDateTime,
        started_at = job.StartedAt?.UtcDateTime, completed_at = job.EndedAt?.UtcDateTime, expires_at = job.ExpiresAt?.UtcDateTime, trace_count = job.Rows, file_size_bytes = job.Bytes,
        download_url = job.State is ExportState.Completed ? $"/api/v1/export/jobs/{job.Id}/download" : null, error_message = job.Error, progress_percent = job.Percent,
        status_url = $"/api/v1/export/jobs/{job.Id}",
        metadata = new
        {
            can_cancel = job.IsUnderWay, can_download = job.State is ExportState.Completed, is_expired = job.State is ExportState.Expired,
            seconds_until_expiration = job.ExpiresAt is { } end ? (long?)Math.Max(0, (long)(end - now).TotalSeconds) : null,
        },
    };
}
