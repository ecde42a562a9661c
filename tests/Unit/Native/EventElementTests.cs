using System.Text;
using System.Text.Json;
using Hindcast.Api.Native;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Payloads;

namespace Hindcast.Unit.Native;

public sealed class EventElementTests
{
    static (EventElement? Element, IReadOnlyList<string> Faults) Read(string json, Guid? spare = null)
    {
        var faults = new List<Fault>();
        var element = EventElement.Read(JsonDocument.Parse(json).RootElement, Encoding.UTF8.GetBytes(json), spare, faults);
        return (element, [.. faults.Select(f => $"{f.Field} {f.Code}")]);
    }

    [Fact]
    public void Ids_are_the_senders_else_the_spare_one()
    {
        var spare = Guid.NewGuid();
        Read("""{"type":"error","trace_id":"t","event_id":"mine"}""", spare).Element!.Event.EventId.Should().Be(EventIds.Of("mine"));
        Read("""{"type":"error","trace_id":"t","event_id":null}""", spare).Element!.Event.EventId.Should().Be(spare);
        Read("""{"type":"error","trace_id":"t"}""").Element!.Event.EventId.Should().BeNull("the append gives a fresh one");
    }

    [Fact]
    public void Nothing_is_not_something_empty()
    {
        var e = Read("""{"type":"error","trace_id":"t","parent_span_id":"","user_id":"","agent":"","name":null,"usage":null,"attributes":null,"at":null}""").Element!.Event;
        (e.ParentSpanId, e.Reading.UserId, e.Agent, e.At).Should().Be((null, null, null, null));
        Read("""{"type":"error","trace_id":"","event_id":"","span_id":""}""").Faults.Should().Equal("trace_id too_short", "event_id too_short", "span_id too_short");
    }

    [Theory]
    [InlineData("""{"trace_id":"t"}""", "type required")]
    [InlineData("""{"type":"","trace_id":"t"}""", "type unknown_type")]
    [InlineData("""{"type":"Error","trace_id":"t"}""", "type unknown_type")]
    [InlineData("""{"type":5,"trace_id":"t"}""", "type wrong_type")]
    [InlineData("""{"type":"score","trace_id":"t","name":"n","content":{"value":[1]}}""", "content.value wrong_type")]
    [InlineData("""{"type":"score","trace_id":"t","name":"","value":1}""", "name required")]
    [InlineData("""{"type":"error","trace_id":"t","attributes":5}""", "attributes wrong_type")]
    [InlineData("""{"type":"error","trace_id":"t","usage":5}""", "usage wrong_type")]
    public void A_fault_names_its_field(string json, string fault) => Read(json).Faults.Should().Equal(fault);

    [Fact]
    public void The_content_is_the_element_as_it_was_received()
    {
        const string Json = """{ "type" : "error",  "trace_id":"t","n":1.0e2 }""";
        Encoding.UTF8.GetString(Read(Json).Element!.Event.Content.Payload.Span).Should().Be(Json);
    }
}
