using System.Text;
using System.Text.Json;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Projects;
using Hindcast.Application.Redaction;
using MediatR;

namespace Hindcast.Application.Agents;

/// <summary>
/// Makes an agent known, and the version of it that this metadata is. The same metadata is the same version however often, from however
/// many at once, and also when others came in between.
/// </summary>
/// <param name="Received">The sender's words as they came; kept as the content of the version's fact.</param>
public sealed record InitAgent(Caller Caller, string Name, AgentMetadata Metadata, string Dialect, int Mapper, ReadOnlyMemory<byte> Received)
    : IRequest<AgentVersion>
{
    public const string Registered = "agent_registered";
    public const string VersionAdded = "agent_version_added";

    /// <summary>An agent's id follows from its project and name, so that events can name it before anybody registered it.</summary>
    public static Guid IdOf(string project, string name) => EventIds.Of(Utf8(project), Utf8(name));

    public static Guid VersionIdOf(string project, string name, string hash) =>
        EventIds.Of(Utf8(project), Utf8(name), Utf8("version"), Utf8(hash));

    public static StreamName StreamOf(string project, string name) => StreamName.Of("agent", project, name);

    static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);

    internal sealed class Handler(Streams streams, TimeProvider clock, Redactions? redactions = null) : IRequestHandler<InitAgent, AgentVersion>
    {
        public async Task<AgentVersion> Handle(InitAgent command, CancellationToken ct)
        {
            var (project, hash) = (command.Caller.Project, command.Metadata.Hash());
            var agent = IdOf(project, command.Name);
            var version = VersionIdOf(project, command.Name, hash);
            var position = LogPosition.Start;
            // The version's id is that of what was sent, whatever the rules were then.
            var pass = redactions?.RedactorOf(project) is { } redactor ? new RedactionPass(redactor) : null;
            var received = pass is null ? command.Received : RedactedJson.Rewrite(command.Received, pass);

            var added = await streams.DecideAsync(
                StreamOf(project, command.Name),
                facts =>
                {
                    if (facts.Count > 0) position = facts[^1].Position;
                    var drafts = new List<Draft>();
                    if (facts.All(f => f.Header.EventId != agent))
                        drafts.Add(DraftOf(command, Registered, agent, JsonSerializer.SerializeToUtf8Bytes(new { agentName = command.Name })));
                    if (facts.All(f => f.Header.EventId != version)) drafts.Add(DraftOf(command, VersionAdded, version, received, pass?.Marks));
                    return drafts;
                },
                ct);

            return new(agent, version, hash, Created: added.Count > 0, added.Count > 0 ? added[^1].Position : position);
        }

        Draft DraftOf(InitAgent command, string type, Guid id, ReadOnlyMemory<byte> content, IReadOnlyList<Mark>? marks = null) => new(
            new()
            {
                Type = type,
                Project = command.Caller.Project,
                Environment = command.Caller.Environment,
                EventId = id,
                At = Streams.Micros(clock.GetUtcNow()),
                Source = new(command.Dialect, command.Mapper, command.Caller.KeyId),
                Marks = marks,
            },
            new(content, default));
    }
}

/// <summary>The version an agent runs as. <see cref="Created"/>: this call made it.</summary>
/// <param name="Hash">Of its metadata, 32 hex digits.</param>
/// <param name="Position">Of the stream's last fact: a view that has come this far knows the version.</param>
public sealed record AgentVersion(Guid AgentId, Guid VersionId, string Hash, bool Created, LogPosition Position);
