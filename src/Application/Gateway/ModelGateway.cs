using Hindcast.Application.Caching;
using Hindcast.Application.Redaction;
using Hindcast.Domain.Gateway;
using Microsoft.Extensions.Options;

namespace Hindcast.Application.Gateway;

/// <summary>
/// The way of a call: to a provider by its model, within its budgets, as often as the project's policy says, and back to the caller byte for
/// byte, while a copy of what passes goes to the <see cref="Spool"/>.
/// </summary>
/// <remarks>
/// An answer that is no stream is read to its end before any of it goes out: so it can be tried again, or told to have failed, while nothing
/// has been said yet. Of a stream that holds for its first bytes. Every attempt that was begun is recorded, in whatever way it ends, which is
/// why its recording stands in <c>finally</c>; the caller's going away ends the provider's work at once.
/// </remarks>
public sealed class ModelGateway(
    Candidates candidates, GatewaySettings settings, IUpstreams upstreams, Recording recording, Spool spool, CallCosts costs, AnswerCache cache,
    Redactions redactions, CallsAtOnce calls, IOptions<HindcastOptions> options, TimeProvider clock)
{
    GatewayOptions Limits => options.Value.Gateway;

    /// <summary>Makes a call. A refusal that is thrown has neither been answered nor charged.</summary>
    public async Task RunAsync(GatewayCall call, IAnswerTo to, CancellationToken gone)
    {
        using var one = calls.Begin(call.Caller, Limits.CallsAtOnce);
        var project = settings.Of(call.Caller.Project);
        var routes = candidates.For(call, project.Policy);
        var cost = await costs.ReserveAsync(call, [.. routes.Select(r => r.Route)], project.Budgets, gone);
        ReadOnlyMemory<byte> body;
        try
        {
            body = routes[0].BodyOf(call);
            await OpenAsync(call, routes[0].Route, project.Policy, gone);
        }
        catch
        {
            costs.Release(cost);
            throw;
        }

        var tries = new Tries(call, routes, project.Policy, cost) { CacheKey = CacheKeyOf(call, project.Policy, routes[0].Route) };
        if (tries.CacheKey is { } key && !call.NoCache && await cache.FindAsync(key, gone) is { } known) await ReplayAsync(tries, known, to, gone);
        else while (!await TryAsync(tries, tries.Number == 0 ? body : tries.Candidate.BodyOf(call), to, gone)) { }
    }

    async Task OpenAsync(GatewayCall call, Route route, GatewayPolicy policy, CancellationToken gone)
    {
        if (!policy.FailClosed)
        {
            spool.Open(call, route);
            return;
        }
        try
        {
            await spool.OpenNowAsync(call, route, gone);
        }
        catch (Exception e) when (e is not OperationCanceledException || !gone.IsCancellationRequested)
        {
            throw new Unavailable("The call cannot be recorded, and this project makes no call that is not.", TimeSpan.FromSeconds(5));
        }
    }

    static CacheKey? CacheKeyOf(GatewayCall call, GatewayPolicy policy, Route route) =>
        (policy.Cache || call.WantsCache) && !call.NoStore ? AnswerCache.KeyOf(call.Caller.Project, call.Protocol, route, call.Form.Body) : null;

    async Task ReplayAsync(Tries tries, CachedAnswer known, IAnswerTo to, CancellationToken gone)
    {
        var attempt = new Attempt(tries.Call, tries.Candidate.Route, tries.Call.Protocol, clock)
        {
            CacheHit = true,
            Status = 200,
            IsStream = known.ContentType?.StartsWith("text/event-stream", StringComparison.OrdinalIgnoreCase) == true,
        };
        try
        {
            attempt.Take(known.Body.Span);
            Begin(to, 200, known.ContentType, [], known.Body.Length, "HIT");
            await to.WriteAsync(known.Body, gone);
            attempt.End(Ending.Answered);
        }
        catch (OperationCanceledException)
        {
            attempt.End(Ending.CallerGone);
            throw;
        }
        finally
        {
            spool.Close(attempt, tries.Cost);
        }
    }

    /// <summary>One attempt; false when another is to follow.</summary>
    async Task<bool> TryAsync(Tries tries, ReadOnlyMemory<byte> body, IAnswerTo to, CancellationToken gone)
    {
        var (call, candidate) = (tries.Call, tries.Candidate);
        tries.Begin();
        var attempt = new Attempt(call, candidate.Route, candidate.Spoken(call), clock) { Number = tries.Number };
        using var patience = new Patience(call.Form.Stream ? Limits.FirstByte : Limits.Total, Limits.Total, clock, gone);
        try
        {
            using var answer = await upstreams.SendAsync(new(candidate.Route.Provider, attempt.Spoken, body, call.Form.Stream, call.Headers), patience.Token);
            attempt.Begin(answer);
            var passing = new Passing(attempt, candidate, recording, to, Limits, clock);
            if (attempt.IsStream)
            {
                await passing.FirstAsync(answer, patience);
                Begin(to, answer.Status, answer.ContentType, answer.Headers, null, tries.CacheKey is null ? null : "MISS");
                Keep(tries, attempt, await passing.StreamAsync(answer, patience, tries.CacheKey is not null, gone));
                return true;
            }
            await passing.ReadAsync(answer, patience);
            attempt.End(Ending.Answered);
            if (Tries.MayHelp(answer.Status) && await tries.AnotherAsync(answer.RetryAfter, clock, gone)) return !(attempt.Superseded = true);

            var whole = passing.Whole(answer);
            Begin(to, answer.Status, whole.ContentType, answer.Headers, whole.Body.Length, tries.CacheKey is null ? null : "MISS");
            await to.WriteAsync(whole.Body, gone);
            Keep(tries, attempt, whole.Body);
            return true;
        }
        catch (Exception e) when (!attempt.HasEnded)
        {
            var (ending, message) = patience.Explain(e);
            attempt.End(ending, message);
            if (ending is Ending.CallerGone or Ending.Ours) throw;
            if (ending != Ending.TooLarge && await tries.AnotherAsync(null, clock, gone)) return !(attempt.Superseded = true);
            throw new UpstreamFailed(ending == Ending.TimedOut ? 504 : 502, message);
        }
        finally
        {
            spool.Close(attempt, tries.Cost);
        }
    }

    /// <summary>Whole, good answers alone, as the caller had them.</summary>
    void Keep(Tries tries, Attempt attempt, ReadOnlyMemory<byte>? answered)
    {
        if (tries.CacheKey is not { } key || answered is not { } bytes || attempt is not { Status: 200, Ending: Ending.Answered }) return;
        // A fallback's answer is not what the model that was asked for would have said.
        if (tries.Candidate != tries.First || recording.AnswerTo(attempt) is not { Finished: true, Error: null }) return;
        // What may not be kept in the log is kept in no cache either.
        if (redactions.Touches(tries.Call.Caller.Project, recording.Closing(attempt, recording.AnswerTo(attempt), null, false))) return;
        // Not waited for: a cache that does not answer is no reason to.
        _ = cache.KeepAsync(key, attempt.IsStream ? "text/event-stream" : "application/json", bytes.ToArray(), TimeSpan.FromSeconds(tries.Policy.CacheTtlSeconds));
    }

    void Begin(IAnswerTo to, int status, string? contentType, IReadOnlyList<KeyValuePair<string, string>> headers, long? length, string? cached) => to.Begin(
        status, contentType,
        [.. headers, new("X-Trace-Recorded", spool.Records ? "true" : "false"), .. cached is null ? [] : new KeyValuePair<string, string>[] { new("X-Trops-Cache", cached) }],
        length);
}
