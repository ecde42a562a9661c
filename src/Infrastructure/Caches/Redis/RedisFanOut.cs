using System.Text.Json;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Live;
using Microsoft.Extensions.Logging;

namespace Hindcast.Infrastructure.Caches.Redis;

/// <summary>
/// News within this process as ever, and to the other nodes over one Redis channel. Each message names the node it comes from, which has
/// heard it already. Only ids travel: who listens reads the rest from the read models, within its own project.
/// </summary>
sealed class RedisFanOut : IFanOut
{
    const string Channel = "hindcast:live:1";

    readonly RedisLine _line;
    readonly IFanOut _here;
    readonly ILogger _logger;
    readonly Guid _node = Guid.NewGuid();

    public RedisFanOut(RedisLine line, IFanOut here, ILogger<RedisFanOut> logger)
    {
        (_line, _here, _logger) = (line, here, logger);
        _ = SubscribeAsync();
    }

    public void Publish(LiveNews news)
    {
        _here.Publish(news);
        if (_line.IsUp) _ = _line.AskAsync(redis => redis.PublishAsync(Channel, Write(_node, news)));
    }

    public IDisposable Listen(Action<LiveNews> hear) => _here.Listen(hear);

    /// <summary>Once: the library asks for the channel again after every break of the connection.</summary>
    async Task SubscribeAsync()
    {
        var redis = await _line.Connection;
        await redis.GetSubscriber().SubscribeAsync(Channel, (_, message) => Hear(message!));
    }

    void Hear(byte[] message)
    {
        try
        {
            if (Read(message) is var (node, news) && node != _node) _here.Publish(news);
        }
        catch (JsonException)
        {
            _logger.LogWarning("A message on {Channel} is none of ours; is the Redis shared with something else?", Channel);
        }
    }

    sealed record Message(Guid Node, string Project, long Position, string[] Created, string[] Updated);

    static byte[] Write(Guid node, LiveNews news) => JsonSerializer.SerializeToUtf8Bytes(new Message(
        node, news.Project, news.Position.Value,
        [.. news.Traces.Where(t => t.Created).Select(t => t.TraceId)], [.. news.Traces.Where(t => !t.Created).Select(t => t.TraceId)]));

    static (Guid Node, LiveNews News) Read(byte[] bytes)
    {
        var m = JsonSerializer.Deserialize<Message>(bytes)!;
        return (m.Node, new(m.Project, new LogPosition(m.Position), [.. m.Created.Select(id => new ChangedTrace(id, true)), .. m.Updated.Select(id => new ChangedTrace(id, false))]));
    }
}
