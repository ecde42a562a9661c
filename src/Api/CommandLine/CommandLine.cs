using System.Reflection;
using Hindcast.Application;
using Hindcast.Domain;

namespace Hindcast.Api.CommandLine;

/// <summary>The words after <c>hindcast</c>. Answers 0 when done, 1 when it failed, 2 when the command was not understood.</summary>
internal static class CommandLine
{
    const int Done = 0, Failure = 1, Misunderstood = 2;

    /// <summary>Nothing, <c>serve</c> and settings mean the server; anything else is a command.</summary>
    public static bool Serves(string[] args) => args is [] or ["serve", ..] || (args[0].StartsWith("--", StringComparison.Ordinal) && args[0] is not ("--version" or "--help"));

    public static async Task<int> RunAsync(string[] args, Func<string[], WebApplication> build, Compose compose, Terminal? terminal = null)
    {
        terminal ??= Terminal.Standard();
        try
        {
            if (Serves(args)) return await ServeCommand.RunAsync(args is ["serve", ..] ? args[1..] : args, build, terminal);
            return await (args switch
            {
                ["--version"] => Say(terminal, Version),
                ["help" or "--help" or "-h", ..] => Say(terminal, Help.Text),
                ["keys", var verb, .. var rest] => KeysCommand.RunAsync(verb, rest, FloorOf),
                ["projections", var verb, .. var rest] => ProjectionsCommand.RunAsync(verb, rest, FloorOf),
                ["log", var verb, .. var rest] => LogCommand.RunAsync(verb, rest, FloorOf),
                ["prices", var verb, .. var rest] => PricesCommand.RunAsync(verb, rest, FloorOf),
                ["erase", .. var rest] => EraseCommand.RunAsync(FloorOf(Arguments.Parse(rest, [], ["scrub"]))),
                ["demo", .. var rest] => DemoCommand.RunAsync(FloorOf(Arguments.Parse(rest, [], []))),
                ["keys" or "projections" or "prices" or "log"] => throw new WrongUsage($"'hindcast {args[0]}' needs another word."),
                _ => throw new WrongUsage($"There is no command '{args[0]}'."),
            });
        }
        catch (WrongUsage e)
        {
            terminal.Error.WriteLine($"{e.Message} 'hindcast help' lists the commands.");
            return Misunderstood;
        }
        catch (Exception e) when (e is Failed or DataDirectoryInUse or BadRequest or NotFound or Unavailable or RuleBroken)
        {
            terminal.Error.WriteLine(e.Message);
            return Failure;
        }
        catch (Exception e)
        {
            terminal.Error.WriteLine($"{e.GetType().Name}: {e.Message}");
            return Failure;
        }

        Floor FloorOf(Arguments arguments) => new(arguments, Configuration(arguments), compose, terminal);
    }

    /// <summary>As the server reads it: the settings file, the environment, and last what was typed.</summary>
    static IConfiguration Configuration(Arguments arguments)
    {
        var builder = new ConfigurationBuilder().SetBasePath(Directory.GetCurrentDirectory()).AddJsonFile("appsettings.json", optional: true).AddEnvironmentVariables();
        if (arguments.Option("data-directory") is { } directory) builder.AddInMemoryCollection([new("Hindcast:DataDirectory", directory)]);
        return builder.Build();
    }

    static string Version => typeof(CommandLine).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    static Task<int> Say(Terminal terminal, string text)
    {
        terminal.Out.WriteLine(text);
        return Task.FromResult(Done);
    }
}
