using System.Text.Json;
using Google.Protobuf;
using Hindcast.Application.EventSourcing;
using Hindcast.Infrastructure.EventLogs.EventStoreDb.Wire;
using Microsoft.Extensions.Logging;

namespace Hindcast.Infrastructure.EventLogs.EventStoreDb;

public sealed partial class EventStoreDbEventLog
{
    /// <summary>Without a dash, so it is no stream of facts.</summary>
    const string IdStream = "hindcast";

    readonly Lock _naming = new();
    readonly string? _idFile;
    readonly Task _identified;
    /// <summary>Done when the server refused us: that is not waited out.</summary>
    readonly TaskCompletionSource _refusedUs = new(TaskCreationOptions.RunContinuationsAsynchronously);
    Guid? _id;
    GrpcFailure? _whyNot;

    /// <summary>
    /// The id stands in a stream of its own, written by whichever node was first. While the server is away it is the one remembered here, so that
    /// what was built from the log can be served.
    /// </summary>
    /// <exception cref="LogUnavailable">The server is away, and nothing is remembered.</exception>
    public Guid Id
    {
        get
        {
            if (_id is { } known) return known;
            var remembered = Remembered();
            // At the start only: whoever asks cannot go on without it.
            Task.WaitAny([_identified, _refusedUs.Task], remembered is null ? AppendPipe.Deadline : s_patience);
            lock (_naming) return _id ??= remembered ?? throw Away(_whyNot);
        }
    }

    /// <summary>Nothing is read from a server or written to it before it is certain which log it has.</summary>
    async ValueTask IdentifiedAsync(long started, CancellationToken ct)
    {
        if (_identified.IsCompletedSuccessfully) return;
        try
        {
            await (await Task.WhenAny(_identified, _refusedUs.Task).WaitAsync(Rest(started), _time, ct));
        }
        catch (TimeoutException)
        {
            throw Away(_whyNot);
        }
        if (!_identified.IsCompleted) throw Refused(_whyNot!);
    }

    async Task IdentifyAsync(ILogger logger)
    {
        await Task.Yield();
        while (true)
        {
            Guid found;
            try
            {
                found = await OnceAsync(FindIdAsync, _closing.Token);
            }
            catch (Exception failure) when (failure is GrpcFailure or LogUnavailable)
            {
                _whyNot = failure as GrpcFailure ?? failure.InnerException as GrpcFailure ?? _whyNot;
                var refused = _whyNot is not null && IsRefusal(_whyNot);
                if (refused) _refusedUs.TrySetResult();
                await Task.Delay(refused ? s_patience : s_again, _time, _closing.Token);
                continue;
            }
            lock (_naming)
            {
                if (_id is { } other && other != found)
                {
                    logger.LogError("The log server has another log ({Found}) than this process began with ({Other})", found, other);
                    throw new LogUnavailable($"The log server has another log ({found}) than this process began with ({other}); start it again to use that one.", TimeSpan.FromSeconds(30));
                }
                _id = found;
            }
            if (_idFile is not null && Remembered() != found) await File.WriteAllTextAsync(_idFile, found.ToString(), _closing.Token);
            return;
        }
    }

    async Task<Guid> FindIdAsync(Node node)
    {
        while (true)
        {
            var question = Question(ReadReq.Types.Options.Types.Direction.Forwards, 1);
            question.Stream = new() { StreamIdentifier = new() { StreamName = ByteString.CopyFromUtf8(_prefix + IdStream) }, Start = new() };
            question.NoFilter = new();
            await foreach (var read in node.ReadAsync(question, leader: true, s_patience, _closing.Token))
                if (read.Event?.Event is { } stored)
                    return JsonDocument.Parse(stored.Data.Memory).RootElement.GetProperty("id").GetGuid();

            var made = new BatchAppendReq.Types.ProposedMessage { Id = StoredForm.IdOf(Guid.NewGuid()), Data = ByteString.CopyFromUtf8($$"""{"id":"{{Guid.NewGuid()}}"}""") };
            made.Metadata.Add("type", "log_created");
            made.Metadata.Add("content-type", "application/json");
            // Refused or not, somebody's is there now.
            await _pipe.SendAsync(_prefix + IdStream, -1, [made], _time.GetTimestamp());
        }
    }

    Guid? Remembered() => _idFile is not null && File.Exists(_idFile) && Guid.TryParse(File.ReadAllText(_idFile), out var id) ? id : null;
}
