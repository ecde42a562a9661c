using System.Text.RegularExpressions;
using Hindcast.Api;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Hindcast.Integration.Server;

/// <summary>The route table itself: nobody forgets a policy, and the map names every door.</summary>
public sealed partial class RouteTests : IAsyncDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("hindcast-routes-").FullName;
    readonly WebApplication _app;

    public RouteTests() => _app = Hosting.Build([$"--Hindcast:DataDirectory={_folder}"]);

    List<RouteEndpoint> Doors => [.. ((IEndpointRouteBuilder)_app).DataSources.SelectMany(s => s.Endpoints).OfType<RouteEndpoint>()];

    [Fact]
    public void Every_door_says_who_may_pass()
    {
        Doors.Should().HaveCountGreaterThan(15);
        Doors.Where(d => d.Metadata.GetMetadata<DoorPolicy>() is null).Select(d => d.RoutePattern.RawText).Should().BeEmpty();
    }

    [Fact]
    public void Only_these_doors_are_open_to_anybody() =>
        Doors.Where(d => d.Metadata.GetMetadata<DoorPolicy>() is { Scope: null }).Select(d => d.RoutePattern.RawText!).Distinct()
            .Should().OnlyContain(path => OpenDoors().IsMatch(path));

    [Fact]
    public void The_map_names_the_file_behind_every_door()
    {
        var root = Root();
        var map = File.ReadAllLines(Path.Combine(root, "docs", "map.md"))
            .Select(line => MapLine().Match(line)).Where(m => m.Success)
            .ToDictionary(m => $"{m.Groups["method"].Value} {m.Groups["path"].Value}", m => m.Groups["file"].Value);

        map.Values.Where(file => !File.Exists(Path.Combine(root, file))).Should().BeEmpty("a file the map names is there");
        var doors = Doors.SelectMany(d => d.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods.Select(m => $"{m} {d.RoutePattern.RawText}")).Distinct().ToList();
        map.Keys.Should().BeEquivalentTo(doors);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    static string Root()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Cqrs.sln"))) folder = Path.GetDirectoryName(folder)!;
        return folder;
    }

    [GeneratedRegex(@"^/(app(/log(in|out)|/session|/\{\*\*page\}|/assets/\{file\})?|auth/token|metrics|health(/live|/ready)?|api/health(/ready)?|docs(/\{file\})?|openapi/\{documentName\}\.json)?$")]
    private static partial Regex OpenDoors();

    [GeneratedRegex(@"^\| (?<method>[A-Z]+) \| `(?<path>[^`]+)` \| `(?<file>[^`]+)` \|")]
    private static partial Regex MapLine();
}
