using Spectre.Console;

namespace Hindcast.Api.CommandLine;

/// <summary>Where a command writes: tables and bars for people, plain lines with tabs where a program reads.</summary>
internal sealed class Terminal(TextWriter output, TextWriter error, bool forPeople)
{
    public static Terminal Standard() => new(Console.Out, Console.Error, !Console.IsOutputRedirected && AnsiConsole.Profile.Capabilities.Interactive);

    public TextWriter Out => output;

    /// <summary>What is said beside the result.</summary>
    public TextWriter Error => error;

    public void Table(IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string>> rows)
    {
        if (!forPeople)
        {
            output.WriteLine(string.Join('\t', columns));
            foreach (var row in rows) output.WriteLine(string.Join('\t', row.Select(Clean)));
            return;
        }
        var table = new Table().Border(TableBorder.Rounded);
        foreach (var column in columns) table.AddColumn(column);
        foreach (var row in rows) table.AddRow([.. row.Select(cell => new Text(Clean(cell)))]);
        AnsiConsole.Write(table);
    }

    /// <summary>Runs work that says how far it is, from 0 to 1, and what it is at.</summary>
    public async Task<T> ProgressAsync<T>(string title, Func<Action<double, string>, Task<T>> work)
    {
        if (!forPeople) return await work((_, _) => { });
        return await AnsiConsole.Progress().Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn())
            .StartAsync(async progress =>
            {
                var task = progress.AddTask(Markup.Escape(title));
                var result = await work((done, at) =>
                {
                    task.Value = Math.Clamp(done, 0, 1) * task.MaxValue;
                    task.Description = Markup.Escape(at.Length == 0 ? title : $"{title}: {at}");
                });
                task.Value = task.MaxValue;
                return result;
            });
    }

    /// <summary>Names come from anywhere; a terminal obeys control characters.</summary>
    static string Clean(string text) => text.Any(char.IsControl) ? string.Concat(text.Select(c => char.IsControl(c) ? '\uFFFD' : c)) : text;
}
