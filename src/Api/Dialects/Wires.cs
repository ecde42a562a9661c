using Hindcast.Api.Dialects.Anthropic;
using Hindcast.Api.Dialects.OpenAi;
using Hindcast.Application.Gateway;

namespace Hindcast.Api.Dialects;

internal static class Wires
{
    /// <summary>The protocols in which models are called.</summary>
    public static IServiceCollection AddWires(this IServiceCollection services) => services
        .AddSingleton<IWire, ChatWire>().AddSingleton<IWire, ResponsesWire>().AddSingleton<IWire, EmbeddingsWire>().AddSingleton<IWire, MessagesWire>();
}
