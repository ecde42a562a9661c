using System.ComponentModel.DataAnnotations.Schema;
using System.Text.Json;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.ReadModels;
using Hindcast.Application.Traces;
using Microsoft.EntityFrameworkCore;

namespace Hindcast.Application.Agents;

/// <summary>An agent: registered by somebody, or named by the first event of a trace.</summary>
[Table("agents"), PrimaryKey(nameof(Project), nameof(Name))]
public sealed class AgentRow
{
    public string Project { get; set; } = "";
    public string Name { get; set; } = "";
    /// <summary>µs UTC: when it was first heard of, and when a version was last added.</summary>
    public long CreatedAt { get; set; }
    public long UpdatedAt { get; set; }
}

/// <summary>What an agent ran under.</summary>
[Table("agent_versions"), PrimaryKey(nameof(Project), nameof(Id))]
[Index(nameof(Project), nameof(Name), nameof(CreatedAt), Name = "versions_by_agent")]
public sealed class AgentVersionRow
{
    public string Project { get; set; } = "";
    /// <summary>UUID as text.</summary>
    public string Id { get; set; } = "";
    public string Name { get; set; } = "";
    /// <summary>32 hex digits; see <see cref="AgentMetadata.Hash"/>.</summary>
    public string Hash { get; set; } = "";
    /// <summary>JSON text as it was received.</summary>
    public string Metadata { get; set; } = "";
    /// <summary>µs UTC.</summary>
    public long CreatedAt { get; set; }
}

/// <summary>Agents and their versions, as part of what follows the log with the traces. Agents are few: what was written stays in memory.</summary>
sealed class AgentsProjector(FactReader reader, Func<ReadDb> open) : IProjector
{
    readonly Dictionary<(string Project, string Name), AgentRow> _known = [];

    public async Task ApplyAsync(IReadOnlyList<Fact> facts, IReadBatch batch, Action<Fact, Exception> park, CancellationToken ct)
    {
        var (agents, versions) = (new Dictionary<(string, string), AgentRow>(), new Dictionary<string, AgentVersionRow>(StringComparer.Ordinal));
        foreach (var fact in facts)
        {
            try
            {
                if (NameOf(fact, versions) is not { } name) continue;
                var key = (fact.Header.Project, name);
                if (!_known.TryGetValue(key, out var row)) _known[key] = row = await LoadAsync(fact.Header.Project, name, ct);
                if (See(row, fact)) agents[key] = row;
            }
            catch (JsonException e)
            {
                park(fact, e);
            }
        }
        await batch.UpsertAsync(agents.Values, ct);
        await batch.UpsertAsync(versions.Values, ct);
    }

    public void Committed() { }

    /// <summary>The agent a fact speaks of; null when it is not about one, or says nothing new about it.</summary>
    string? NameOf(Fact fact, Dictionary<string, AgentVersionRow> versions)
    {
        var header = fact.Header;
        if (header.TraceId is not null) return fact.Revision == 0 ? header.Running.Agent : null;
        if (header.Type is not (InitAgent.Registered or InitAgent.VersionAdded) || reader.PayloadOf(fact) is not { } payload) return null;

        using var json = JsonDocument.Parse(payload);
        var name = AgentMetadata.NameIn(json.RootElement);
        if (header.Type == InitAgent.VersionAdded)
        {
            var metadata = json.RootElement.GetProperty("metadata");
            versions[$"{header.Project}/{header.EventId}"] = new()
            {
                Project = header.Project, Id = header.EventId.ToString(), Name = name, Hash = AgentMetadata.Read(metadata).Hash(), Metadata = metadata.GetRawText(),
                CreatedAt = header.At.Micros(),
            };
        }
        return name;
    }

    static bool See(AgentRow row, Fact fact)
    {
        var at = fact.Header.At.Micros();
        var (created, updated) = (row.CreatedAt == 0 ? at : Math.Min(row.CreatedAt, at), fact.Header.Type == InitAgent.VersionAdded ? Math.Max(row.UpdatedAt, at) : row.UpdatedAt);
        if ((created, updated) == (row.CreatedAt, row.UpdatedAt)) return false;
        (row.CreatedAt, row.UpdatedAt) = (created, updated);
        return true;
    }

    async Task<AgentRow> LoadAsync(string project, string name, CancellationToken ct)
    {
        await using var db = open();
        return await db.Set<AgentRow>().AsNoTracking().SingleOrDefaultAsync(x => x.Project == project && x.Name == name, ct) ?? new() { Project = project, Name = name };
    }
}
