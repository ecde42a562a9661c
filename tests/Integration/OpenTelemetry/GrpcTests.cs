using System.Buffers.Binary;
using System.Diagnostics;
using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Google.Protobuf;
using Hindcast.Api.Dialects.OpenTelemetry.Wire;
using Hindcast.Otlp.Sent;
using Hindcast.Bench;
using Hindcast.Integration.Server;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Hindcast.Integration.OpenTelemetry;

/// <summary>The exporter of the OpenTelemetry project over both transports, and gRPC's own ways of saying no.</summary>
public sealed class GrpcTests(GrpcTests.Listening server) : IClassFixture<GrpcTests.Listening>
{
    const string Services = "opentelemetry.proto.collector";

    public sealed class Listening : LiveServer
    {
        public Uri Grpc { get; } = new($"http://127.0.0.1:{FreePort()}");

        protected override Task<Dictionary<string, string>> SettingsAsync() => Task.FromResult(new Dictionary<string, string> { ["Hindcast__Otlp__GrpcEndpoint"] = Grpc.ToString() });

        static int FreePort()
        {
            using var listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            return ((IPEndPoint)listener.LocalEndpoint).Port;
        }
    }

    [Theory]
    [InlineData(OtlpExportProtocol.Grpc)]
    [InlineData(OtlpExportProtocol.HttpProtobuf)]
    public async Task A_trace_from_the_official_exporter_arrives_whole(OtlpExportProtocol protocol)
    {
        var name = $"shop-{protocol}";
        ActivityTraceId trace;
        using var source = new ActivitySource(name);
        using (var provider = Sdk.CreateTracerProviderBuilder().AddSource(name).ConfigureResource(r => r.AddService(name)).AddOtlpExporter(o => Aim(o, protocol, "v1/traces")).Build())
        {
            using var agent = source.StartActivity("invoke_agent planner")!.SetTag("gen_ai.operation.name", "invoke_agent").SetTag("gen_ai.agent.name", "planner").SetTag("gen_ai.usage.input_tokens", 1200);
            trace = agent.TraceId;
            using (var call = source.StartActivity("chat gpt-4o", ActivityKind.Client)!)
                call.SetTag("gen_ai.operation.name", "chat").SetTag("gen_ai.provider.name", "openai").SetTag("gen_ai.response.model", "gpt-4o")
                    .SetTag("gen_ai.usage.input_tokens", 1200).SetTag("gen_ai.usage.output_tokens", 80).SetTag("gen_ai.usage.cache_read.input_tokens", 1000)
                    .SetTag("gen_ai.input.messages", """[{"role":"user","parts":[{"type":"text","content":"Where is it?"}]}]""")
                    .SetTag("gen_ai.output.messages", """[{"role":"assistant","parts":[{"type":"text","content":"On its way."}]}]""");
            using (var tool = source.StartActivity("execute_tool lookup")!) tool.SetTag("gen_ai.operation.name", "execute_tool").SetTag("gen_ai.tool.name", "lookup").SetStatus(ActivityStatusCode.Error, "no such order");
            agent.Stop();
            provider!.ForceFlush().Should().BeTrue("the server has taken it");
        }

        await ShouldBeWholeAsync(trace.ToHexString());
    }

    /// <summary>JavaScript's SDK has a third way, JSON.</summary>
    [Theory]
    [InlineData("grpc")]
    [InlineData("protobuf")]
    [InlineData("json")]
    public async Task A_trace_from_the_javascript_exporters_arrives_whole(string protocol)
    {
        var said = await JavaScript.RunAsync(protocol, (protocol == "grpc" ? server.Grpc : server.Process.Address).ToString(), HindcastProcess.Key);
        await ShouldBeWholeAsync(said.Trim());
    }

    async Task ShouldBeWholeAsync(string trace)
    {
        var root = (await TreeAsync(trace)).Roots.Should().ContainSingle().Subject;
        (root.Text("kind"), root.Text("agent"), root.Text("status")).Should().Be(("agent", "planner", "success"));
        var children = root.GetProperty("children").EnumerateArray().ToList();
        children.Select(c => (c.Text("kind"), c.Text("status"))).Should().Equal(("llm", "success"), ("tool", "error"));
        (children[0].Text("provider"), children[0].Text("model")).Should().Be(("openai", "gpt-4o"));
        children[0].GetProperty("usage").GetProperty("cache_read").GetInt64().Should().Be(1000);
        children[0].GetProperty("input").GetRawText().Should().Contain("Where is it?");
        children[0].GetProperty("output").GetRawText().Should().Contain("On its way.");
        children[1].Text("error").Should().Be("no such order");
        (await TreeAsync(trace)).Tokens.Should().Be(1280, "the agent's usage repeats its call's");
    }

    [Theory]
    [InlineData(OtlpExportProtocol.Grpc)]
    [InlineData(OtlpExportProtocol.HttpProtobuf)]
    public async Task Logs_and_metrics_of_the_official_exporter_are_taken(OtlpExportProtocol protocol)
    {
        var name = $"meter-{protocol}";
        using var source = new ActivitySource(name);
        using var listener = new ActivityListener { ShouldListenTo = s => s.Name == name, Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData };
        ActivitySource.AddActivityListener(listener);
        using var span = source.StartActivity("chat")!;
        using (var factory = LoggerFactory.Create(b => b.AddOpenTelemetry(o => o.AddOtlpExporter(e => Aim(e, protocol, "v1/logs")))))
        {
            var log = factory.CreateLogger("app");
            log.LogInformation(new EventId(1, "gen_ai.user.message"), "{content}", "Hi");
            log.LogInformation("{event.name} {content}", "gen_ai.user.message", "Hi again");
            log.LogInformation("started");
        }
        using var meter = new System.Diagnostics.Metrics.Meter(name);
        using (var provider = Sdk.CreateMeterProviderBuilder().AddMeter(name).AddOtlpExporter(o => Aim(o, protocol, "v1/metrics")).Build())
        {
            meter.CreateCounter<long>("calls").Add(1);
            provider!.ForceFlush().Should().BeTrue("metrics are taken, and dropped");
        }

        var facts = await FactsAsync(span.TraceId.ToHexString());
        facts.Should().NotBeEmpty().And.OnlyContain(f => f.Text("type") == "span_noted" && f.Text("span_id") == span.SpanId.ToHexString());
    }

    [Fact]
    public async Task Refusals_are_gRPCs_own()
    {
        (await CallAsync("trace", "Trace", [], key: null)).Code.Should().Be("16", "no key");
        (await CallAsync("trace", "Trace", [], key: "hc_sk_nobody")).Code.Should().Be("16", "a key that opens nothing");
        var read = (await server.PostAsync("/api/v1/keys", """{"name":"reader","scopes":["read"]}""")).Json.Text("key");
        (await CallAsync("trace", "Trace", [], read)).Code.Should().Be("7", "a key that may not write");
        (await CallAsync("trace", "Trace", "no export"u8.ToArray())).Code.Should().Be("3");
        (await CallAsync("profiles", "Profiles", [])).Code.Should().Be("12", "a service that is not here");
        (await CallAsync("trace", "Trace", [], encoding: "zstd", compressed: true)).Code.Should().Be("12");
        (await CallAsync("trace", "Trace", [1], encoding: "gzip", compressed: true)).Code.Should().Be("3", "no gzip");
        (await CallAsync("trace", "Trace", new byte[17 << 20])).Code.Should().Be("8", "larger than is allowed");
        (await CallAsync("trace", "Trace", [], cut: true)).Code.Should().Be("3", "half a frame");
    }

    [Fact]
    public async Task A_bad_span_is_told_and_its_neighbour_kept_gzip_and_all()
    {
        var trace = Guid.NewGuid().ToByteArray();
        var good = new WireSpan { TraceId = ByteString.CopyFrom(trace), SpanId = ByteString.CopyFrom(1, 2, 3, 4, 5, 6, 7, 8), Name = "work", StartTimeUnixNano = 1767225600000000000, EndTimeUnixNano = 1767225601000000000 };
        var export = new Export { Resources = { new ResourceItems { Scopes = { new ScopeItems { Items = { good.ToByteString(), ByteString.CopyFromUtf8("bad") } } } } } };
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionMode.Compress, leaveOpen: true)) export.WriteTo(gzip);

        var (code, _, answer) = await CallAsync("trace", "Trace", packed.ToArray(), encoding: "gzip", compressed: true);
        code.Should().Be("0");
        ExportAnswer.Parser.ParseFrom(answer).PartialSuccess.Should().Match<PartialSuccess>(p => p.Rejected == 1 && p.ErrorMessage == "it is no message in protobuf");
        (await FactsAsync(Convert.ToHexStringLower(trace))).Should().ContainSingle();
    }

    [Fact]
    public async Task The_doors_of_gRPC_on_the_other_port_say_what_they_are() =>
        (await server.PostAsync($"/{Services}.trace.v1.TraceService/Export", "")).Headers["grpc-status"].Should().Be("12");

    [Fact]
    public async Task A_port_that_is_taken_stops_only_those_who_named_it()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var folder = Directory.CreateTempSubdirectory("hindcast-grpc-").FullName;
        var named = $"http://127.0.0.1:{((IPEndPoint)taken.LocalEndpoint).Port}";
        var start = () => HindcastProcess.StartAsync(folder, new Dictionary<string, string> { ["Hindcast__Otlp__GrpcEndpoint"] = named });
        await start.Should().ThrowAsync<InvalidOperationException>().WithMessage($"The server ended instead of listening.*{named}: address already in use*");
        Directory.Delete(folder, recursive: true);
    }

    void Aim(OtlpExporterOptions options, OtlpExportProtocol protocol, string path)
    {
        (options.Protocol, options.Headers) = (protocol, $"authorization=Bearer {HindcastProcess.Key}");
        options.Endpoint = protocol == OtlpExportProtocol.Grpc ? server.Grpc : new(server.Process.Address, path);
    }

    async Task<(List<JsonElement> Roots, long Tokens)> TreeAsync(string trace)
    {
        for (var attempt = 0; ; attempt++)
        {
            // An exporter does not hand out the position of what it has written.
            var tree = await server.GetAsync($"/api/v1/traces/{trace}/tree");
            if (tree.Status == 200 && tree.Json.GetProperty("status").GetString() != "running")
                return ([.. tree.Json.GetProperty("spans").EnumerateArray()], tree.Json.GetProperty("totals").GetProperty("tokens").GetProperty("total").GetInt64());
            if (attempt == 200) throw new TimeoutException(tree.Text);
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }

    async Task<List<JsonElement>> FactsAsync(string trace) => [.. (await server.GetAsync($"/api/v1/traces/{trace}/timeline")).Json.GetProperty("items").EnumerateArray()];

    async Task<(string Code, string? Message, byte[] Answer)> CallAsync(
        string package, string service, byte[] message, string? key = HindcastProcess.Key, string? encoding = null, bool compressed = false, bool cut = false)
    {
        var frame = new byte[5 + message.Length];
        frame[0] = compressed ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(1), (uint)message.Length + (cut ? 1u : 0u));
        message.CopyTo(frame, 5);
        using var http = new HttpClient { BaseAddress = server.Grpc };
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/{Services}.{package}.v1.{service}Service/Export")
        {
            Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = new ByteArrayContent(frame) { Headers = { ContentType = new("application/grpc") } },
        };
        request.Headers.Add("te", "trailers");
        if (key is not null) request.Headers.Add("authorization", $"Bearer {key}");
        if (encoding is not null) request.Headers.Add("grpc-encoding", encoding);
        using var response = await http.SendAsync(request, TestContext.Current.CancellationToken);
        response.StatusCode.Should().Be(HttpStatusCode.OK, "gRPC speaks in trailers");
        var answer = await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken);
        string? Trailer(string name) => (response.TrailingHeaders.TryGetValues(name, out var late) ? late : response.Headers.TryGetValues(name, out var early) ? early : null)?.Single();
        return (Trailer("grpc-status")!, Trailer("grpc-message"), answer.Length > 5 ? answer[5..] : []);
    }
}
