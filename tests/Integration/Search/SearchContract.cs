using System.Globalization;
using Hindcast.Application.ReadModels;
using Hindcast.Application.Search;
using Hindcast.Integration.ReadModels;

namespace Hindcast.Integration.Search;

/// <summary>What a filter finds in a database is what it means; and lists come whole and in order, page by page. One subclass an engine.</summary>
public abstract class SearchContract<TEngine>(SearchFixture<TEngine> engine) : IClassFixture<SearchFixture<TEngine>> where TEngine : IReadFixture, new()
{
    static readonly string[] s_spanFields =
    [
        "ts", "trace_id", "span_id", "parent_span_id", "project_id", "session_id", "user_id", "provider", "model", "operation_type", "input_text", "output_text", "prompt_tokens",
        "completion_tokens", "total_tokens", "input_cost_usd", "output_cost_usd", "total_cost_usd", "duration_ms", "latency_ms", "time_to_first_token_ms", "tokens_per_second", "status_code",
        "error_message", "environment", "tags", "metadata", "model_parameters", "prompt_cost_usd", "completion_cost_usd", "ttft_ms", "service_name", "span_name", "attributes", "attributes.n", "properties.s",
        "score.helpful", "score.a'{0}\"%", "score.nobody",
    ];
    static readonly string[] s_runFields =
    [
        "ts", "trace_id", "project_id", "session_id", "user_id", "provider", "model", "service_name", "input_text", "output_text", "prompt_tokens", "completion_tokens", "total_tokens",
        "total_cost_usd", "duration_ms", "span_count", "error_count", "event_count", "status_code", "environment",
        "score.helpful", "score.a'{0}\"%",
    ];

    static int Filters => Environment.GetEnvironmentVariable("HINDCAST_TEST_FILTERS") is { Length: > 0 } n ? int.Parse(n, CultureInfo.InvariantCulture) : 10_000;

    static readonly string[] s_own = ["p"];
    static readonly string[] s_both = ["p", "q"];

    [Fact]
    public Task A_filter_finds_the_spans_it_means() => CompareAsync<SpanRow>(SpanCatalogue.Instance, s_spanFields, engine.Spans, row => Of(row), Filters);

    [Fact]
    public Task A_filter_finds_the_runs_it_means() => CompareAsync<RunRow>(RunCatalogue.Instance, s_runFields, engine.Runs, row => Of(row), Filters / 5);

    async Task CompareAsync<T>(Catalogue catalogue, string[] fields, List<T> rows, Func<T, Candidate> candidate, int filters) where T : class, new()
    {
        var sorts = fields.Where(f => catalogue.Field(f).SortSql is not null).ToList();
        var matched = 0L;
        for (var seed = 0; seed < filters; seed++)
        {
            var random = new Random(seed);
            var filter = new RandomFilters(random, catalogue, fields).Tree();
            var sort = new SearchSort(catalogue.SortField(sorts[random.Next(sorts.Count)]), random.Next(2) == 0);
            var projects = random.Next(3) switch { 0 => s_both, 1 => null, _ => s_own };

            var expected = Ordered(rows.Select(candidate).Where(c => projects?.Contains(ProjectOf(c)) != false && Means(filter, c)), catalogue, sort, withProject: projects != s_own);
            var found = await engine.Finder.FindAsync<T>(new(catalogue, projects, filter, sort, null, 1000) { WithTexts = false }, TestContext.Current.CancellationToken);

            found.Rows.Select(r => Name(r)).Should().Equal(expected.Select(c => Name(c.Row)), $"seed {seed}: {filter}");
            matched += found.Rows.Count;
        }
        matched.Should().BeGreaterThan(filters, "most filters find something");
    }

    [Theory]
    [InlineData("ts")]
    [InlineData("trace_id")]
    [InlineData("span_id")]
    [InlineData("provider")]
    [InlineData("model")]
    [InlineData("duration_ms")]
    [InlineData("ttft_ms")]
    [InlineData("total_cost_usd")]
    [InlineData("total_tokens")]
    [InlineData("status_code")]
    [InlineData("environment")]
    public async Task Pages_hold_every_row_once_in_order_while_others_are_written(string field)
    {
        foreach (var descending in (bool[])[true, false])
        {
            foreach (var projects in (string[]?[])[s_own, s_both])
            {
                var sort = new SearchSort(SpanCatalogue.Instance.SortField(field), descending);
                var expected = Ordered(engine.Spans.Where(s => projects!.Contains(s.Project)).Select(Of), SpanCatalogue.Instance, sort, withProject: projects != s_own).Select(c => Name(c.Row)).ToList();
                var seen = new List<string>();
                SearchPosition? after = null;
                for (var page = 0; page < 100; page++)
                {
                    var found = await engine.Finder.FindAsync<SpanRow>(new(SpanCatalogue.Instance, projects, Filter.Everything, sort, after, 7), TestContext.Current.CancellationToken);
                    found.Rows.Count.Should().BeLessThanOrEqualTo(7);
                    seen.AddRange(found.Rows.Where(r => !r.SpanId.StartsWith("new", StringComparison.Ordinal)).Select(r => Name(r)));
                    if ((after = found.Next) is null) break;
                    // Written between two pages: before, behind and among what was read.
                    await engine.AddAsync([.. engine.Spans.Where((_, i) => i % 40 == page % 40).Select((s, i) => new SpanRow
                    {
                        Project = s.Project, TraceId = s.TraceId, SpanId = $"new{page}.{i}.{field}.{descending}", Kind = "llm", Name = "n", StartedAt = s.StartedAt, Provider = s.Provider, Model = s.Model, Duration = s.Duration,
                        TimeToFirstToken = s.TimeToFirstToken, TotalCost = s.TotalCost, TotalTokens = s.TotalTokens, Status = s.Status, Environment = s.Environment, Merge = [1],
                    })], [], []);
                }
                after.Should().BeNull("a cursor leads on and not round");
                seen.Should().Equal(expected, $"{field} {descending} {projects!.Length}");
                await RemoveNewAsync();
            }
        }
    }

    Task RemoveNewAsync() => engine.RemoveAsync(row => row.SpanId.StartsWith("new", StringComparison.Ordinal));

    [Fact]
    public async Task Rows_that_are_looked_at_one_by_one_come_whole_too()
    {
        var filter = Conditions.Of(SpanCatalogue.Instance.Field("model"), FilterOperator.Regex, "g.t");
        var expected = engine.Spans.Count(s => s.Project == "p" && s.Model?.StartsWith("gpt", StringComparison.OrdinalIgnoreCase) == true);
        var (seen, after) = (new HashSet<string>(), (SearchPosition?)null);
        do
        {
            var found = await engine.Finder.FindAsync<SpanRow>(new(SpanCatalogue.Instance, s_own, filter, new(SpanCatalogue.Instance.SortField("duration_ms"), true), after, 3), TestContext.Current.CancellationToken);
            found.Rows.Should().OnlyContain(r => seen.Add(r.SpanId));
            after = found.Next;
        }
        while (after is not null);
        seen.Should().HaveCount(expected);
    }

    [Fact]
    public async Task Words_are_found_by_their_stems_in_the_text_that_is_asked_for()
    {
        var rows = new[] { Text("w1", "The generators were generating codes", "an answer"), Text("w2", "an answer", "it generates code for authentication"), Text("w3", null, "nothing") };
        await engine.AddAsync([.. rows.Select(r => Span(r.SpanId))], [], rows);
        (await WordsAsync("generate code", "model")).Should().Equal("w1", "w2");
        (await WordsAsync("the generated codes", "input_text")).Should().Equal("w1");
        (await WordsAsync("authentications", "output_text")).Should().Equal("w2");
        (await WordsAsync("the of and", "model")).Should().BeEmpty("common words find nothing");
        (await WordsAsync("generate authentication answer", "model")).Should().Equal(["w2"], "words may stand in either text");

        // What replaces a text is found, and what it replaced is not.
        await engine.AddAsync([], [], [Text("w1", "quite another thing", null)]);
        (await WordsAsync("generate", "model")).Should().Equal("w2");
        (await WordsAsync("answers", "model")).Should().Equal("w1", "w2");
        await engine.RemoveAsync(r => r.Project == "words");
    }

    [Fact]
    public async Task By_relevance_comes_first_what_says_most_and_pages_go_on_behind_it()
    {
        var rows = new List<TextRow> { Text("w0", "invoice", null), Text("w1", "an invoice about invoicing invoices", null), Text("w2", $"invoice {string.Join(' ', Enumerable.Repeat("other things", 50))}", null) };
        rows.AddRange(Enumerable.Range(3, 20).Select(i => Text($"w{i:00}", $"an invoice {i} {string.Join(' ', Enumerable.Repeat("word", i % 4))}", null)));
        await engine.AddAsync([.. rows.Select(r => Span(r.SpanId))], [], [.. rows]);
        var filter = Conditions.Of(SpanCatalogue.Instance.Field("input_text"), FilterOperator.Search, "invoices");
        var (seen, after) = (new List<string>(), (SearchPosition?)null);
        do
        {
            var found = await engine.Finder.FindAsync<SpanRow>(new(SpanCatalogue.Instance, ["words"], filter, new(SpanCatalogue.Instance.SortField("relevance"), true), after, 4), TestContext.Current.CancellationToken);
            seen.AddRange(found.Rows.Select(r => r.SpanId));
            after = found.Next;
        }
        while (after is not null);
        seen.Should().HaveCount(23).And.OnlyHaveUniqueItems();
        (seen[0], seen[^1]).Should().Be(("w1", "w2"));
        await engine.RemoveAsync(r => r.Project == "words");
    }

    async Task<List<string>> WordsAsync(string words, string field)
    {
        var found = await engine.Finder.FindAsync<SpanRow>(
            new(SpanCatalogue.Instance, ["words"], Conditions.Of(SpanCatalogue.Instance.Field(field), FilterOperator.Search, words), new(SpanCatalogue.Instance.SortField("span_id"), false), null, 10),
            TestContext.Current.CancellationToken);
        return [.. found.Rows.Select(r => r.SpanId)];
    }

    [Fact]
    public async Task A_text_too_long_for_an_index_of_words_is_stored_and_its_beginning_is_found()
    {
        var text = string.Join('-', Enumerable.Range(0, 60_000).Select(i => $"wörd\u0416{i}"));
        await engine.AddAsync([Span("long")], [], [Text("long", $"beginning {text} ending", text)]);
        (await WordsAsync("beginning", "model")).Should().Equal("long");
        var part = new SearchSort(SpanCatalogue.Instance.SortField("ts"), true);
        (await engine.Finder.FindAsync<SpanRow>(new(SpanCatalogue.Instance, ["words"], Conditions.Of(SpanCatalogue.Instance.Field("input_text"), FilterOperator.EndsWith, "ENDING"), part, null, 10), TestContext.Current.CancellationToken))
            .Rows.Should().ContainSingle();
        await engine.RemoveAsync(r => r.Project == "words");
    }

    static SpanRow Span(string id) => new() { Project = "words", TraceId = "w", SpanId = id, Kind = "llm", Name = "n", Merge = [1] };

    static TextRow Text(string id, string? input, string? output) => new() { Project = "words", TraceId = "w", SpanId = id, Input = input, Output = output, Merge = [1] };

    Candidate Of(SpanRow row) => new(row, TextOf(row)?.Input, TextOf(row)?.Output, [])
    {
        Scores = ScoresOf(row.Project, row.TraceId, s => s.SpanId == row.SpanId ? 1 : s.SpanId.Length == 0 ? 2 : null),
    };

    TextRow? TextOf(SpanRow row) => engine.Texts.GetValueOrDefault((row.TraceId, row.SpanId));

    Candidate Of(RunRow run) => new(
        run, run.PromptSpanId is { } prompt ? engine.Texts.GetValueOrDefault((run.TraceId, prompt))?.Input : null,
        run.ResponseSpanId is { } response ? engine.Texts.GetValueOrDefault((run.TraceId, response))?.Output : null, [])
    {
        Scores = ScoresOf(run.Project, run.TraceId, s => s.SpanId.Length == 0 ? 1 : 2),
    };

    /// <summary>Of each name the score that is nearest to the row, and of these the last.</summary>
    /// <param name="distance">Null: it is none of the row's.</param>
    Dictionary<string, string> ScoresOf(string project, string traceId, Func<ScoreRow, int?> distance) => engine.Scores
        .Where(s => s.Project == project && s.TraceId == traceId && distance(s) is not null).GroupBy(s => s.Name)
        .ToDictionary(g => g.Key, g => g.OrderBy(distance).ThenByDescending(s => s.At).ThenByDescending(s => s.EventId, StringComparer.Ordinal).First().Text);

    /// <summary>The oracle: the filter's meaning in plain code, and words without an index.</summary>
    bool Means(Filter filter, Candidate row)
    {
        var searched = filter.Conditions.OfType<Searches>().Select(c => TextsFor(row).Any(text =>
        {
            var words = SearchedWords.Of(c.Words);
            var there = SearchedWords.Of(c.Scope switch { TextScope.Input => text.Input ?? "", TextScope.Output => text.Output ?? "", _ => $"{text.Input} {text.Output}" });
            return words.Count > 0 && words.All(there.Contains);
        })).ToList();
        return Evaluation.Of(filter, row with { Searched = searched }, new()) is true;
    }

    IEnumerable<TextRow> TextsFor(Candidate row) => row.Row switch
    {
        SpanRow span => engine.Texts.TryGetValue((span.TraceId, span.SpanId), out var text) ? [text] : [],
        RunRow run => engine.Texts.Values.Where(t => t.Project == run.Project && t.TraceId == run.TraceId),
        _ => [],
    };

    static string ProjectOf(Candidate c) => c.Row is SpanRow span ? span.Project : ((RunRow)c.Row).Project;

    static string Name(object row) => row is SpanRow span ? $"{span.Project}/{span.TraceId}/{span.SpanId}" : $"{((RunRow)row).Project}/{((RunRow)row).TraceId}";

    /// <summary>Nulls last; then the key, in the direction of the list; texts by their bytes.</summary>
    static List<Candidate> Ordered(IEnumerable<Candidate> rows, Catalogue catalogue, SearchSort sort, bool withProject)
    {
        var all = rows.Select(c => (Row: c, At: catalogue.PositionOf(c, sort.Field))).ToList();
        all.Sort((a, b) =>
        {
            if (a.At.Sort is null != b.At.Sort is null) return a.At.Sort is null ? 1 : -1;
            var order = Order(a.At.Sort, b.At.Sort);
            if (order == 0) order = a.At.StartedAt.CompareTo(b.At.StartedAt);
            if (order == 0) order = Order(a.At.TraceId, b.At.TraceId);
            if (order == 0) order = Order(a.At.SpanId, b.At.SpanId);
            if (order == 0 && withProject) order = Order(a.At.Project, b.At.Project);
            return sort.Descending ? -order : order;
        });
        return [.. all.Select(x => x.Row)];
    }

    static int Order(object? a, object? b) => (a, b) switch
    {
        (long x, long y) => x.CompareTo(y),
        (string x, string y) => System.Text.Encoding.UTF8.GetBytes(x).AsSpan().SequenceCompareTo(System.Text.Encoding.UTF8.GetBytes(y)),
        _ => 0,
    };
}

public sealed class FiltersMeanTheSameOnSqlite(SearchFixture<SqliteReadFixture> engine) : SearchContract<SqliteReadFixture>(engine);

public sealed class FiltersMeanTheSameOnPostgres(SearchFixture<PostgresReadFixture> engine) : SearchContract<PostgresReadFixture>(engine);
