using System.IO.Compression;
using System.Text;
using FluentAssertions;
using Google.Protobuf;
using Hindcast.Api.Dialects.OpenTelemetry;
using Hindcast.Api.Dialects.OpenTelemetry.Wire;
using Hindcast.Domain.Traces;
using Hindcast.Otlp.Sent;

namespace Hindcast.Integration.OpenTelemetry;

/// <summary>Spans through <c>/v1/traces</c> in both encodings, read back from the log.</summary>
public sealed class OtlpDoorTests : IAsyncLifetime
{
    const string Trace = "5b8efff798038103d269b633813fc60c", Span = "eee19b7ec3c1b174";

    readonly DoorHost _host = new();

    public ValueTask InitializeAsync() => _host.InitializeAsync();

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task A_json_span_is_kept_once_and_read_by_the_conventions()
    {
        var body = Export($$$$"""{"traceId":"{{{{Trace}}}}","spanId":"{{{{Span}}}}","name":"chat gpt-4o","startTimeUnixNano":"1767225600000000000","endTimeUnixNano":"1767225601500000000","attributes":[{"key":"gen_ai.operation.name","value":{"stringValue":"chat"}},{"key":"gen_ai.system","value":{"stringValue":"openai"}},{"key":"gen_ai.response.model","value":{"stringValue":"gpt-4o"}},{"key":"gen_ai.usage.input_tokens","value":{"intValue":100}},{"key":"gen_ai.usage.cache_read_input_tokens","value":{"intValue":"40"}},{"key":"gen_ai.usage.output_tokens","value":{"intValue":"7"}}]}""");
        for (var i = 0; i < 2; i++) (await _host.PostAsync("/v1/traces", body)).Status.Should().Be(200);

        var (header, told) = _host.Facts().Should().ContainSingle().Subject;
        (header.Source.Dialect, header.Source.Mapper).Should().Be(("otlp", new OtlpPayload().Version));
        var closing = told.Should().BeOfType<SpanEnded>().Subject;
        (closing.Kind, closing.Provider, closing.Model, closing.Agent).Should().Be(("llm", "openai", "gpt-4o", "shop"));
        closing.Latency.Should().Be(TimeSpan.FromSeconds(1.5));
        closing.Usage.Should().Be(new Usage { Input = 60, CacheRead = 40, Output = 7 });
    }

    [Fact]
    public async Task A_bad_span_harms_no_neighbour()
    {
        var answer = await _host.PostAsync("/v1/traces", Export($$"""{"traceId":"00","spanId":"{{Span}}"},{"traceId":"{{Trace}}","spanId":"{{Span}}","startTimeUnixNano":1767225600000000000}"""));

        answer.Status.Should().Be(200);
        answer.Json.GetProperty("partialSuccess").GetProperty("rejectedSpans").GetString().Should().Be("1");
        _host.Facts().Should().ContainSingle().Which.Event.Should().BeOfType<SpanStarted>();
    }

    [Fact]
    public async Task A_protobuf_span_keeps_its_bytes_and_its_failure()
    {
        var span = new WireSpan
        {
            TraceId = ByteString.CopyFrom(Convert.FromHexString(Trace)), SpanId = ByteString.CopyFrom(Convert.FromHexString(Span)), Name = "lookup",
            StartTimeUnixNano = 1767225600000000000, EndTimeUnixNano = 1767225600250000000, Status = new() { Code = 2, Message = "no such order" },
            Attributes = { new KeyValue { Key = "openinference.span.kind", Value = new() { StringValue = "TOOL" } } },
        };
        var export = new Export { Resources = { new ResourceItems { Scopes = { new ScopeItems { Items = { span.ToByteString() } } } } } };
        (await _host.PostAsync("/v1/traces", export.ToByteArray(), contentType: "application/x-protobuf")).Status.Should().Be(200);

        var closing = _host.Facts().Should().ContainSingle().Which.Event.Should().BeOfType<SpanEnded>().Subject;
        (closing.Kind, closing.Status, closing.Error).Should().Be(("tool", SpanStatus.Error, "no such order"));
    }

    [Theory]
    [InlineData("application/json", "[]")]
    [InlineData("application/json", "{")]
    [InlineData("application/x-protobuf", "{")]
    public async Task A_body_that_is_no_export_is_400(string type, string body) =>
        (await _host.PostAsync("/v1/traces", body, contentType: type)).Status.Should().Be(400);

    [Fact]
    public async Task A_refusal_is_a_status_in_the_encoding_of_the_request()
    {
        using var content = new ByteArrayContent("{"u8.ToArray()) { Headers = { ContentType = new("application/x-protobuf") } };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/traces") { Content = content };
        request.Headers.Add("x-api-key", DoorHost.Key);
        using var answer = await _host.Http.SendAsync(request, TestContext.Current.CancellationToken);
        answer.Content.Headers.ContentType!.MediaType.Should().Be("application/x-protobuf");
        RpcStatus.Parser.ParseFrom(await answer.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken)).Code.Should().Be(3);
    }

    [Fact]
    public async Task A_compressed_export_is_taken_and_half_of_one_is_not()
    {
        var export = Encoding.UTF8.GetBytes(Export($$"""{"traceId":"{{Trace}}","spanId":"{{Span}}","startTimeUnixNano":"1767225600000000000"}"""));
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionMode.Compress, leaveOpen: true)) gzip.Write(export);
        (await PostGzipAsync(packed.ToArray())).Should().Be(200);
        (await PostGzipAsync(packed.ToArray()[..^4])).Should().Be(400);
        _host.Facts().Should().ContainSingle();
    }

    [Fact]
    public async Task Logs_are_kept_where_they_tell_of_models_and_metrics_never()
    {
        var logs = await _host.PostAsync("/v1/logs", $$$"""{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"traceId":"{{{Trace}}}","spanId":"{{{Span}}}","timeUnixNano":"1767225600000000000","eventName":"gen_ai.user.message","body":{"stringValue":"Hi"}},{"body":{"stringValue":"started"}},{"traceId":"12","eventName":"gen_ai.choice"}]}]}]}""");
        (logs.Status, logs.Headers["X-Dropped"]).Should().Be((200, "1"));
        logs.Json.GetProperty("partialSuccess").GetProperty("rejectedLogRecords").GetString().Should().Be("1");
        _host.Facts().Should().ContainSingle().Which.Event.Should().BeOfType<SpanNoted>().Which.Input.Should().Be("""[{"role":"user","content":"Hi"}]""");

        var metrics = await _host.PostAsync("/v1/metrics", """{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"a"},{"name":"b"}]}]}]}""");
        (metrics.Status, metrics.Text, metrics.Headers["X-Dropped"]).Should().Be((200, "{}", "2"));
    }

    async Task<int> PostGzipAsync(byte[] body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/traces") { Content = new ByteArrayContent(body) { Headers = { ContentType = new("application/json"), ContentEncoding = { "gzip" } } } };
        request.Headers.Add("x-api-key", DoorHost.Key);
        using var answer = await _host.Http.SendAsync(request, TestContext.Current.CancellationToken);
        return (int)answer.StatusCode;
    }

    static string Export(string spans) =>
        $$$$"""{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},"scopeSpans":[{"spans":[{{{{spans}}}}]}]}]}""";
}
