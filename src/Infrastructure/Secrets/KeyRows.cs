using Hindcast.Application.Projects;
using Hindcast.Application.ReadModels;
using Microsoft.Data.Sqlite;

namespace Hindcast.Infrastructure.Secrets;

/// <summary>A key's row and back.</summary>
static class KeyRows
{
    public const string Upsert = """
        INSERT INTO keys(id, project, hash, prefix, last_four, name, scopes, environment, plan, monthly_quota, created, expires, revoked, last_used, rotated_to, valid_until)
        VALUES($id, $project, $hash, $prefix, $last_four, $name, $scopes, $environment, $plan, $monthly_quota, $created, $expires, $revoked, $last_used, $rotated_to, $valid_until)
        ON CONFLICT(id) DO UPDATE SET name = excluded.name, scopes = excluded.scopes, environment = excluded.environment, plan = excluded.plan,
            monthly_quota = excluded.monthly_quota, expires = excluded.expires, revoked = COALESCE(revoked, excluded.revoked),
            last_used = NULLIF(MAX(COALESCE(last_used, 0), COALESCE(excluded.last_used, 0)), 0), rotated_to = excluded.rotated_to, valid_until = excluded.valid_until
        """;

    public static void Bind(SqliteParameterCollection to, KeyRow key)
    {
        Add("$id", key.Id);
        Add("$project", key.Project);
        Add("$hash", key.Hash.ToBytes());
        Add("$prefix", key.Prefix);
        Add("$last_four", key.LastFour);
        Add("$name", key.Name);
        Add("$scopes", (int)key.Scopes);
        Add("$environment", key.Environment);
        Add("$plan", key.Plan);
        Add("$monthly_quota", key.MonthlyQuota);
        Add("$created", key.Created.Micros());
        Add("$expires", key.Expires?.Micros());
        Add("$revoked", key.Revoked?.Micros());
        Add("$last_used", key.LastUsed?.Micros());
        Add("$rotated_to", key.RotatedTo);
        Add("$valid_until", key.ValidUntil?.Micros());

        void Add(string name, object? value) => to.AddWithValue(name, value ?? DBNull.Value);
    }

    public static KeyRow Read(SqliteDataReader row)
    {
        return new()
        {
            Id = Text("id")!,
            Project = Text("project")!,
            Hash = KeyHash.From(row.GetFieldValue<byte[]>(row.GetOrdinal("hash"))),
            Prefix = Text("prefix")!,
            LastFour = Text("last_four")!,
            Name = Text("name"),
            Scopes = (Scopes)Number("scopes")!.Value,
            Environment = Text("environment")!,
            Plan = Text("plan")!,
            MonthlyQuota = Number("monthly_quota"),
            Created = At("created")!.Value,
            Expires = At("expires"),
            Revoked = At("revoked"),
            LastUsed = At("last_used"),
            RotatedTo = Text("rotated_to"),
            ValidUntil = At("valid_until"),
        };

        string? Text(string column) => row.IsDBNull(row.GetOrdinal(column)) ? null : row.GetString(row.GetOrdinal(column));
        long? Number(string column) => row.IsDBNull(row.GetOrdinal(column)) ? null : row.GetInt64(row.GetOrdinal(column));
        DateTimeOffset? At(string column) => Number(column) is { } micros ? Time.At(micros) : null;
    }
}
