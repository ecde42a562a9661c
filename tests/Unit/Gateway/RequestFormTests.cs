using System.Text;
using System.Text.Json;
using Hindcast.Application;
using Hindcast.Application.Gateway;

namespace Hindcast.Unit.Gateway;

public sealed class RequestFormTests
{
    static RequestForm Read(string body) => RequestForm.Read(Encoding.UTF8.GetBytes(body));

    [Theory]
    [InlineData("""{"model":"a/b","stream":true}""", """{"stream_options":{"include_usage":true},"model":"b","stream":true}""")]
    [InlineData("""{ "stream" : true , "stream_options" : { } , "model":"a/b"}""", """{ "stream" : true , "stream_options" : {"include_usage":true } , "model":"b"}""")]
    [InlineData("""{"stream":true,"stream_options":{"x":[{}]},"model":"a/b"}""", """{"stream":true,"stream_options":{"include_usage":true,"x":[{}]},"model":"b"}""")]
    [InlineData("""{"stream":true,"stream_options":{"x":1, "include_usage": false },"model":"a/b"}""", """{"stream":true,"stream_options":{"x":1, "include_usage": true },"model":"b"}""")]
    [InlineData("""{"stream":true,"stream_options":null,"model":"a/b"}""", """{"stream":true,"stream_options":{"include_usage":true},"model":"b"}""")]
    [InlineData("""{"stream":true,"stream_options":{"include_usage":true},"model":"a/b"}""", """{"stream":true,"stream_options":{"include_usage":true},"model":"b"}""")]
    [InlineData("""{"stream":false,"model":"a\/b", "nested":{"model":"a/b","stream":true}}""", """{"stream":false,"model":"b", "nested":{"model":"a/b","stream":true}}""")]
    public void Only_the_model_and_the_wish_for_usage_are_changed_and_in_place(string body, string wanted)
    {
        var changed = Encoding.UTF8.GetString(Read(body).For("b", withUsage: true).Span);
        changed.Should().Be(wanted);
        JsonDocument.Parse(changed);
    }

    [Fact]
    public void What_needs_no_change_is_the_same_bytes()
    {
        var body = Encoding.UTF8.GetBytes("""{"model":"b","messages":[]}""");
        RequestForm.Read(body).For("b", withUsage: true).Span.Overlaps(body).Should().BeTrue();
    }

    [Fact]
    public void The_members_that_matter_are_read_and_those_of_other_types_are_not_there()
    {
        var form = Read("""{"max_tokens":5,"n":3,"user":7,"metadata":{"user_id":"u","x":{}},"model":"m","stream":"yes"}""");
        (form.MostOutput, form.Choices, form.User, form.Stream, form.Model).Should().Be((5L, 3L, "u", false, "m"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("""{"model":1}""")]
    [InlineData("""{"model":""}""")]
    [InlineData("""{"model":"\ud800"}""")]
    [InlineData("""{"model":"a","\u006dodel":"b"}""")]
    [InlineData("""{"model":"a"} x""")]
    [InlineData("""{"model":"a","stream_options":{"include_usage":true""")]
    public void A_body_that_is_none_is_refused(string body) => FluentActions.Invoking(() => Read(body)).Should().Throw<BadRequest>();
}
