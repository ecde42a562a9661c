using System.Buffers;

namespace Hindcast.Domain.Projects;

/// <summary>Names of projects: <c>[a-z0-9_-]{1,64}</c>. They stand in stream names, files and addresses as they are.</summary>
public static class Project
{
    /// <summary>The project that is always there; its administrators see to all projects.</summary>
    public const string Default = "default";

    public const int LongestId = 64;

    static readonly SearchValues<char> s_idCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789_-");

    public static bool IsId(ReadOnlySpan<char> text) =>
        text.Length is > 0 and <= LongestId && !text.ContainsAnyExcept(s_idCharacters);
}
