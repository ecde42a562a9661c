using Hindcast.Bench;
using Hindcast.Integration.Server;

namespace Hindcast.Integration.Keys;

/// <summary>Signing in with a cookie, and who may use it.</summary>
public sealed class LoginTests : IAsyncLifetime
{
    readonly LiveServer server = new();

    public ValueTask InitializeAsync() => server.InitializeAsync();

    public ValueTask DisposeAsync() => server.DisposeAsync();

    string Own => $"http://{server.Http.BaseAddress!.Authority}";

    [Fact]
    public async Task A_key_becomes_a_cookie_that_reads_and_that_only_our_own_pages_write_with()
    {
        var signed = await server.PostAsync("/app/login", $$"""{"key":"{{HindcastProcess.Key}}"}""", key: null);
        signed.Status.Should().Be(200, signed.Text);
        signed.Text.Should().NotContain(HindcastProcess.Key);
        signed.Headers["Set-Cookie"].Should().StartWith($"hindcast_key={HindcastProcess.Key};").And.Contain("samesite=strict").And.Contain("httponly");
        var cookie = ("Cookie", $"hindcast_key={HindcastProcess.Key}");

        (await server.GetAsync("/traces", key: null, cookie)).Status.Should().Be(200);
        const string body = """{"trace_id":"by-cookie"}""";
        foreach (var from in (string?[])[null, "http://evil.example", "null", $"{Own}.evil.example"])
        {
            var refused = await server.PostAsync("/traces", body, null, from is null ? [cookie] : [cookie, ("Origin", from)]);
            refused.Status.Should().Be(401, $"from {from ?? "nowhere"}");
        }
        (await server.PostAsync("/traces", body, null, cookie, ("Sec-Fetch-Site", "cross-site"))).Status.Should().Be(401);
        (await server.PostAsync("/traces", body, null, cookie, ("Sec-Fetch-Site", "same-site"))).Status.Should().Be(401);
        (await server.GetAsync("/traces", null, cookie, ("Origin", "http://evil.example"))).Status.Should().Be(401);
        (await server.PostAsync("/traces", body, null, cookie, ("Origin", Own))).Status.Should().Be(201);
        (await server.PostAsync("/traces", body, null, cookie, ("Sec-Fetch-Site", "same-origin"))).Status.Should().Be(201);
        (await server.PostAsync("/traces", body, "a-wrong-key", cookie, ("Origin", Own))).Status.Should().Be(401, "a header is looked at first");

        var gone = await server.PostAsync("/app/logout", "", key: null);
        (gone.Status, gone.Headers["Set-Cookie"]).Should().Match<(int Status, string Cookie)>(a => a.Status == 204 && a.Cookie.Contains("expires=Thu, 01 Jan 1970"));
    }

    [Fact]
    public async Task Nonsense_is_refused_and_guessing_ends()
    {
        foreach (var nonsense in (string[])["", "[]", "{}", """{"key":7}""", """{"key":"\ud800"}""", "nonsense"])
            (await server.PostAsync("/app/login", nonsense, key: null)).Status.Should().Be(400, nonsense);
        (await server.PostAsync("/app/login", "other=1", null, ("Content-Type", "application/x-www-form-urlencoded"))).Status.Should().Be(400);
        (await server.PostAsync("/app/login", $"key={HindcastProcess.Key}", null, ("Content-Type", "application/x-www-form-urlencoded"))).Status.Should().Be(200);
        for (var i = 0; i < 5; i++) (await server.PostAsync("/app/login", """{"key":"guess"}""", key: null, ("X-Forwarded-For", $"10.0.0.{i}"), ("X-Real-IP", $"10.0.0.{i}"))).Status.Should().Be(401);
        var ended = await server.PostAsync("/app/login", """{"key":"guess"}""", key: null);
        (ended.Status, ended.Headers.ContainsKey("Retry-After")).Should().Be((429, true));
    }
}

/// <summary>A server without keys, for one's own machine.</summary>
public sealed class OpenModeTests(OpenModeTests.Server server) : IClassFixture<OpenModeTests.Server>
{
    public sealed class Server : LiveServer
    {
        protected override Task<Dictionary<string, string>> SettingsAsync() => Task.FromResult(new Dictionary<string, string> { ["Hindcast__Open"] = "true" });
    }

    [Fact]
    public async Task Whoever_is_here_is_let_in_and_other_peoples_pages_are_not()
    {
        (await server.GetAsync("/projects", key: null)).Status.Should().Be(200);
        (await server.PostAsync("/traces", "{}", key: null)).Status.Should().Be(201);
        (await server.GetAsync("/traces", key: "a-wrong-key")).Status.Should().Be(401, "a key that is given is looked at");
        (await server.PostAsync("/traces", "{}", null, ("Origin", "http://evil.example"))).Status.Should().Be(401);
        (await server.GetAsync("/traces", null, ("Sec-Fetch-Site", "cross-site"))).Status.Should().Be(401);
        (await server.GetAsync("/traces", null, ("Host", "evil.example"))).Status.Should().Be(401, "a name that was bent to this machine is not its name");
    }

    [Theory]
    [InlineData("ASPNETCORE_URLS", "http://0.0.0.0:0"), InlineData("ASPNETCORE_URLS", "http://127.0.0.1:0;http://[::]:0"), InlineData("ASPNETCORE_URLS", "http://*:0")]
    [InlineData("Kestrel__Endpoints__A__Url", "http://0.0.0.0:0")]
    public async Task It_does_not_start_where_others_could_reach_it(string name, string value) =>
        (await RefusedStart.SaysAsync(("Hindcast__Open", "true"), (name, value))).Should().Contain("loopback");
}
