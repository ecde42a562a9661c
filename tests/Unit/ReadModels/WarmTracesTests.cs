using Hindcast.Application.ReadModels;
using Hindcast.Domain.Traces;

namespace Hindcast.Unit.ReadModels;

public sealed class WarmTracesTests
{
    readonly WarmTraces _warm = new();

    [Fact]
    public void What_a_page_touched_is_warm_for_the_next_however_long_its_traces_are()
    {
        Page("a", "b", "c");
        foreach (var id in (string[])["a", "b", "c"]) _warm.Take(new("shop", id)).Should().NotBeNull(id);
    }

    [Fact]
    public void What_two_pages_did_not_touch_is_let_go()
    {
        Page("a");
        Page("b");
        Page("c");
        _warm.Take(new("shop", "a")).Should().BeNull();
        _warm.Take(new("shop", "c")).Should().NotBeNull();
    }

    void Page(params string[] ids)
    {
        foreach (var id in ids)
        {
            var trace = new Trace(id);
            for (var i = 0; i < 10_000; i++) trace.Apply(new UserMessage { EventId = Guid.NewGuid(), TraceId = id, SpanId = $"{i}", At = DateTimeOffset.UnixEpoch });
            _warm.Keep(new("shop", id), trace, null);
        }
        _warm.Turn();
    }
}
