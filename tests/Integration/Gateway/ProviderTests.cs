using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Hindcast.Application.Gateway;
using Hindcast.Infrastructure.Secrets;
using Hindcast.Infrastructure.Upstreams;
using Microsoft.Extensions.DependencyInjection;

namespace Hindcast.Integration.Gateway;

/// <summary>Provider keys go in and never come out, and go nowhere but where they were given for (P10, B14, B24, F24).</summary>
public sealed class ProviderTests(GatewayHost host) : IClassFixture<GatewayHost>
{
    const string Canary = "sk-canary-of-a-project-0a1b2c3d4e5f";
    const string Question = """{"model":"mine/some-model","messages":[]}""";

    static string Name() => $"p{Guid.NewGuid():n}"[..20];

    Task<JsonElement> AddAsync(string project, string key, string slug = "mine", string kind = "openai") => host.SetAsync(
        HttpMethod.Post, "/api/v1/providers", $$"""{"project_id":"{{project}}","slug":"{{slug}}","kind":"{{kind}}","base_url":"{{host.Provider.Address}}/v1/","api_key":"{{key}}"}""", 201);

    [Fact]
    public async Task A_projects_key_is_used_for_its_calls_shown_to_nobody_and_stands_nowhere_in_clear()
    {
        var (project, other) = (Name(), Name());
        var made = await AddAsync(project, Canary);
        made.GetRawText().Should().NotContain(Canary);
        made.GetProperty("key_last_four").GetString().Should().Be("4e5f");
        made.GetProperty("base_url").GetString().Should().Be($"{host.Provider.Address}/v1");

        var (mine, theirs) = (await host.KeyAsync(project), await host.KeyAsync(other));
        host.Provider.Reset((http, _) => FakeProvider.Json(http, 200, "{}"));
        (await host.PostAsync("/v1/chat/completions", Question, ("Authorization", $"Bearer {mine}"))).Status.Should().Be(200);
        var seen = host.Provider.Requests.Single();
        (seen.Headers["Authorization"], seen.Body).Should().Be(($"Bearer {Canary}", """{"model":"some-model","messages":[]}"""));
        seen.Headers.Values.Should().NotContain(v => v.Contains(mine));
        (await host.PostAsync("/v1/chat/completions", Question, ("Authorization", $"Bearer {theirs}"))).Status.Should().Be(404, "another project's provider is none");

        foreach (var file in Directory.EnumerateFiles(host.Folder, "*", SearchOption.AllDirectories))
        {
            await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var bytes = new MemoryStream();
            await stream.CopyToAsync(bytes, TestContext.Current.CancellationToken);
            Encoding.Latin1.GetString(bytes.ToArray()).Should().NotContain(Canary, file).And.NotContain(GatewayHost.OpenAiKey, file);
        }
    }

    [Fact]
    public async Task A_key_does_not_follow_its_provider_to_another_address()
    {
        var project = Name();
        var id = (await AddAsync(project, Canary)).GetProperty("id").GetString();
        await host.SetAsync(HttpMethod.Put, $"/api/v1/providers/{id}", $$"""{"project_id":"{{project}}","base_url":"https://evil.example/v1"}""", 409);
        await host.SetAsync(HttpMethod.Put, $"/api/v1/providers/{id}", $$"""{"project_id":"{{project}}","slug":"renamed","base_url":"{{host.Provider.Address.ToUpperInvariant().Replace("HTTP", "http", StringComparison.Ordinal)}}/v1"}""");
        var changed = await host.SetAsync(HttpMethod.Put, $"/api/v1/providers/{id}", $$"""{"project_id":"{{project}}","base_url":"https://elsewhere.example/v1","api_key":"another-key-1234"}""");
        changed.GetProperty("key_version").GetInt32().Should().Be(2);
        await host.SetAsync(HttpMethod.Put, $"/api/v1/providers/{id}", """{"slug":"x"}""", 404);
        await host.SetAsync(HttpMethod.Delete, $"/api/v1/providers/{id}?project_id={project}", "", 204);
        await host.SetAsync(HttpMethod.Delete, $"/api/v1/providers/{id}?project_id={project}", "", 404);
    }

    [Theory]
    [InlineData("https://u:p@host.example/v1")]
    [InlineData("https://host.example/v1?x=1")]
    [InlineData("https://host.example/v1#f")]
    [InlineData("ftp://host.example")]
    [InlineData("file:///etc/passwd")]
    [InlineData("host.example")]
    public async Task An_address_that_hides_something_is_refused(string address) => await host.SetAsync(
        HttpMethod.Post, "/api/v1/providers", $$"""{"project_id":"{{Name()}}","slug":"mine","kind":"openai","base_url":"{{address}}","api_key":"k-12345678"}""", 400);

    [Theory]
    [InlineData(200, true)]
    [InlineData(401, false)]
    public async Task A_provider_can_be_tried(int status, bool success)
    {
        var project = Name();
        var id = (await AddAsync(project, Canary)).GetProperty("id").GetString();
        host.Provider.Reset((http, _) => FakeProvider.Json(http, status, "{}"));
        var tried = await host.SetAsync(HttpMethod.Post, $"/api/v1/providers/{id}/test?project_id={project}", "");
        (tried.GetProperty("success").GetBoolean(), tried.GetProperty("status").GetInt32()).Should().Be((success, status));
        host.Provider.Requests.Single().Path.Should().Be("/v1/models");
    }

    [Theory]
    [InlineData("http://127.0.0.1:9/v1")]
    [InlineData("https://127.0.0.1:9/v1")]
    [InlineData("https://localhost:9/v1")]
    [InlineData("https://[::1]:9/v1")]
    [InlineData("https://[::ffff:10.0.0.1]:9/v1")]
    [InlineData("https://169.254.169.254/latest")]
    [InlineData("https://0x7f000001:9/v1")]
    [InlineData("https://2130706433:9/v1")]
    public async Task No_call_goes_to_a_private_address(string address)
    {
        var seal = KeySeal.Open(host.Folder, null);
        var provider = new Provider { Id = "p", Slug = "p", Kind = UpstreamKind.OpenAi, BaseUrl = Provider.Normalised(address)! };
        provider = provider with { SealedKey = seal.Close("k", provider.Binding) };
        using var client = new UpstreamClient(seal, allowPrivateNetworks: false, p => p, TimeProvider.System);
        var sending = () => client.SendAsync(new(provider, Protocol.Chat, default, false, []), TestContext.Current.CancellationToken);
        var e = (await sending.Should().ThrowAsync<Exception>()).Which;
        (e as AddressRefused ?? e.InnerException).Should().BeOfType<AddressRefused>(e.ToString());
    }

    [Fact]
    public async Task A_redirect_is_not_followed()
    {
        host.Provider.Reset((http, _) =>
        {
            http.Response.Redirect("http://169.254.169.254/latest");
            return Task.CompletedTask;
        });
        (await host.PostAsync("/v1/chat/completions", """{"model":"gpt-4o","messages":[]}""")).Status.Should().Be(302);
        host.Provider.Requests.Should().HaveCount(1);
    }

    [Fact]
    public void An_envelope_opens_only_for_what_it_was_closed_for()
    {
        var seal = KeySeal.Open(Directory.CreateTempSubdirectory("hindcast-kek-").FullName, null);
        var binding = new KeyBinding("one", "p1", "https://a.example/v1", 1);
        var closed = seal.Close(Canary, binding);
        seal.Open(closed, binding).Should().Be(Canary);
        foreach (var other in (KeyBinding[])[binding with { Project = "two" }, binding with { ProviderId = "p2" }, binding with { BaseUrl = "https://b.example/v1" }, binding with { Version = 2 }])
            FluentActions.Invoking(() => seal.Open(closed, other)).Should().Throw<CryptographicException>();
        for (var i = 0; i < closed.Length; i++)
        {
            var harmed = (byte[])closed.Clone();
            harmed[i] ^= 1;
            FluentActions.Invoking(() => seal.Open(harmed, binding)).Should().Throw<CryptographicException>();
        }
    }

    [Fact]
    public async Task The_key_encryption_key_is_changed_under_load_and_no_call_fails()
    {
        var project = Name();
        await AddAsync(project, Canary);
        var key = await host.KeyAsync(project);
        var (kek, old) = (Path.Combine(host.Folder, "kek"), KeySeal.Open(host.Folder, null));
        var before = host.Services.GetRequiredService<GatewaySettings>().Of(project).Providers.Single();
        host.Provider.Reset((http, _) => FakeProvider.Json(http, 200, "{}"));
        using var stop = new CancellationTokenSource();
        var calls = Enumerable.Range(0, 4).Select(async _ =>
        {
            var n = 0;
            for (; !stop.IsCancellationRequested; n++)
            {
                (await host.PostAsync("/v1/chat/completions", Question, ("Authorization", $"Bearer {key}"))).Status.Should().Be(200);
                // On a slow machine the key takes long to change, and the calls of a minute are counted.
                await Task.Delay(5);
            }
            return n;
        }).ToList();
        for (var i = 0; i < 5; i++)
            (await host.SetAsync(HttpMethod.Post, "/api/v1/providers/rewrap", "")).GetProperty("rewrapped").GetInt32().Should().BePositive();
        await stop.CancelAsync();
        (await Task.WhenAll(calls)).Should().OnlyContain(n => n > 0);

        var after = host.Services.GetRequiredService<GatewaySettings>().Of(project).Providers.Single();
        old.Open(before.SealedKey, before.Binding).Should().Be(Canary);
        FluentActions.Invoking(() => old.Open(after.SealedKey, after.Binding)).Should().Throw<CryptographicException>("the old key opens nothing any more");
        KeySeal.Open(host.Folder, null).Open(after.SealedKey, after.Binding).Should().Be(Canary, "a restart reads the new one");
        File.Exists(kek + ".next").Should().BeFalse();
    }
}
