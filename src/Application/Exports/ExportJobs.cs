using System.Collections.Concurrent;
using System.Text.Json;
using System.Threading.Channels;
using Microsoft.Extensions.Options;

namespace Hindcast.Application.Exports;

/// <summary>
/// The exports of this server: each is a file and, beside it, what it is, so that a restart forgets neither. What was under way when the
/// process ended has failed and says so. A file lives seven days.
/// </summary>
public sealed class ExportJobs
{
    public const int MostUnderWay = 5;
    public static readonly TimeSpan Life = TimeSpan.FromDays(7);

    readonly string _folder;
    readonly TimeProvider _clock;
    readonly ConcurrentDictionary<Guid, ExportJob> _jobs = new();
    readonly ConcurrentDictionary<Guid, CancellationTokenSource> _stops = new();
    readonly Channel<(Guid Id, ExportOrder Order)> _waiting = Channel.CreateUnbounded<(Guid, ExportOrder)>();

    public ExportJobs(IOptions<HindcastOptions> options, TimeProvider clock)
    {
        (_folder, _clock) = (Path.Combine(options.Value.DataDirectory, "exports"), clock);
        if (!Directory.Exists(_folder)) return;
        foreach (var path in Directory.GetFiles(_folder, "*.json"))
        {
            if (JsonSerializer.Deserialize<ExportJob>(File.ReadAllBytes(path)) is not { } job) continue;
            _jobs[job.Id] = job;
            if (job.IsUnderWay) End(job.Id, ExportState.Failed, "The server stopped while it was under way.");
        }
    }

    internal ChannelReader<(Guid Id, ExportOrder Order)> Waiting => _waiting.Reader;

    /// <summary>The newest first.</summary>
    /// <param name="projects">Those that may be seen; null: all.</param>
    public IReadOnlyList<ExportJob> Of(IReadOnlyList<string>? projects)
    {
        Sweep();
        return [.. _jobs.Values.Where(j => projects?.Contains(j.Project) != false).OrderByDescending(j => j.CreatedAt).ThenBy(j => j.Id)];
    }

    public ExportJob? Find(Guid id)
    {
        Sweep();
        return _jobs.GetValueOrDefault(id);
    }

    public ExportJob Start(ExportJob job, ExportOrder order)
    {
        Directory.CreateDirectory(_folder);
        _stops[job.Id] = new();
        Save(job);
        _waiting.Writer.TryWrite((job.Id, order));
        return job;
    }

    /// <summary>False: it has ended already.</summary>
    public bool Cancel(Guid id)
    {
        if (!_stops.TryGetValue(id, out var stop) || !_jobs[id].IsUnderWay) return false;
        End(id, ExportState.Cancelled, null);
        stop.Cancel();
        return true;
    }

    /// <summary>Takes back every export of a project: what was erased must not be in a file either.</summary>
    public void Forget(string project)
    {
        foreach (var job in _jobs.Values.Where(j => j.Project == project))
        {
            Cancel(job.Id);
            if (job.State is ExportState.Completed) End(job.Id, ExportState.Expired, null);
        }
    }

    public string PathOf(Guid id) => Path.Combine(_folder, id.ToString("n"));

    internal CancellationToken StopOf(Guid id) => _stops.TryGetValue(id, out var stop) ? stop.Token : new(true);

    /// <summary>A change of one that is still under way; what has ended stays as it is.</summary>
    internal void Change(Guid id, Func<ExportJob, ExportJob> change)
    {
        lock (_stops)
            if (_jobs[id] is { IsUnderWay: true } job) Save(change(job));
    }

    internal void End(Guid id, ExportState state, string? error)
    {
        lock (_stops)
        {
            var now = _clock.GetUtcNow();
            if (_jobs[id] is { } job && (job.IsUnderWay || state is ExportState.Expired)) Save(job with { State = state, Error = error, EndedAt = job.EndedAt ?? now, ExpiresAt = job.ExpiresAt ?? now + Life });
        }
        _stops.TryRemove(id, out _);
        if (state is not ExportState.Completed) File.Delete(PathOf(id));
    }

    internal void Complete(Guid id, long rows)
    {
        Change(id, job => job with { Rows = rows, Percent = 100, Bytes = new FileInfo(PathOf(id)).Length });
        End(id, ExportState.Completed, null);
    }

    /// <summary>Files go when their time is over, and what they were a week later.</summary>
    void Sweep()
    {
        var now = _clock.GetUtcNow();
        foreach (var job in _jobs.Values.Where(j => j.ExpiresAt <= now))
        {
            if (job.State is ExportState.Completed) End(job.Id, ExportState.Expired, null);
            if (job.ExpiresAt + Life > now || !_jobs.TryRemove(job.Id, out _)) continue;
            File.Delete(PathOf(job.Id));
            File.Delete($"{PathOf(job.Id)}.json");
        }
    }

    void Save(ExportJob job)
    {
        var path = $"{PathOf(job.Id)}.json";
        File.WriteAllBytes($"{path}.new", JsonSerializer.SerializeToUtf8Bytes(job));
        File.Move($"{path}.new", path, overwrite: true);
        _jobs[job.Id] = job;
    }
}
