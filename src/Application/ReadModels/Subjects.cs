using System.ComponentModel.DataAnnotations.Schema;
using Microsoft.EntityFrameworkCore;

namespace Hindcast.Application.ReadModels;

/// <summary>Who is named in a trace, by the keyed hash of the name: where to look when a user is to be erased, and nothing else.</summary>
[Table("subjects"), PrimaryKey(nameof(Project), nameof(Subject), nameof(TraceId))]
public sealed class SubjectRow
{
    public string Project { get; set; } = "";
    public string Subject { get; set; } = "";
    public string TraceId { get; set; } = "";
}
