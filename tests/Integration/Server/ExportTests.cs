using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Hindcast.Bench;

namespace Hindcast.Integration.Server;

/// <summary>Exports (contract 4.11): a job, its progress, its file, and who may have it.</summary>
public sealed class ExportTests : LiveServer
{
    const int Spans = 250;
    static readonly string[] s_hostile = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "  =cmd|' /C calc'!A0", "'quoted", "＝1", "a \"b\", c\r\nd", "plain"];

    async Task FillAsync()
    {
        var start = new DateTimeOffset(2026, 11, 1, 0, 0, 0, TimeSpan.Zero);
        var events = Enumerable.Range(0, Spans).Select(i => new
        {
            type = "llm_response", trace_id = $"t{i / 10}", span_id = $"s{i:000}", at = start.AddSeconds(i / 3).ToString("O"), model = i % 2 == 0 ? "gpt-4o" : "claude", provider = "openai",
            content = s_hostile[i % s_hostile.Length], user_id = "u",
        });
        (await PostAsync("/api/v1/events", JsonSerializer.Serialize(events))).Status.Should().Be(202);
        (await ReadAsync("/api/v1/traces?limit=1")).Status.Should().Be(200);
    }

    async Task<JsonElement> ExportAsync(string body, string key = HindcastProcess.Key)
    {
        var answer = await PostAsync("/api/v1/export/traces", body, key);
        answer.Status.Should().Be(202, answer.Text);
        var last = 0;
        while (true)
        {
            var job = (await GetAsync(answer.Json.Text("status_url")!, key)).Json;
            var percent = job.GetProperty("progress_percent").GetInt32();
            percent.Should().BeGreaterThanOrEqualTo(last);
            last = percent;
            if (job.Text("status") is not ("pending" or "processing")) return job;
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }

    async Task<byte[]> FileAsync(JsonElement job)
    {
        job.Text("status").Should().Be("completed", job.GetRawText());
        using var request = new HttpRequestMessage(HttpMethod.Get, job.Text("download_url"));
        request.Headers.Add("X-API-Key", HindcastProcess.Key);
        using var response = await Http.SendAsync(request, TestContext.Current.CancellationToken);
        response.EnsureSuccessStatusCode();
        var bytes = await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken);
        bytes.Length.Should().Be(job.GetProperty("file_size_bytes").GetInt32());
        response.Content.Headers.ContentDisposition!.FileName.Should().EndWith(job.Text("compression") == "gzip" ? ".gz" : $".{job.Text("format")}");
        if (job.Text("compression") != "gzip") return bytes;
        using var unpacked = new MemoryStream();
        await new GZipStream(new MemoryStream(bytes), CompressionMode.Decompress).CopyToAsync(unpacked, TestContext.Current.CancellationToken);
        return unpacked.ToArray();
    }

    [Fact]
    public async Task A_file_holds_every_span_once_in_each_format()
    {
        await FillAsync();
        var listed = (await JsonAsync("/api/v1/traces?limit=1000")).GetProperty("data").EnumerateArray().Select(s => s.GetRawText()).ToList();
        listed.Should().HaveCount(Spans);
        foreach (var compression in (string[])["none", "gzip"])
        {
            var lines = Encoding.UTF8.GetString(await FileAsync(await ExportAsync($$"""{"format":"jsonl","compression":"{{compression}}"}"""))).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            lines.Should().Equal(listed);
            using var array = JsonDocument.Parse(await FileAsync(await ExportAsync($$"""{"format":"json","compression":"{{compression}}"}""")));
            array.RootElement.EnumerateArray().Select(s => s.GetRawText()).Should().Equal(listed);
            var cells = Csv(Encoding.UTF8.GetString(await FileAsync(await ExportAsync($$"""{"format":"csv","compression":"{{compression}}"}"""))));
            cells.Should().HaveCount(Spans + 1).And.OnlyContain(row => row.Length == 25);
            cells[0][0].Should().Be("ts");
        }
        (await ExportAsync("""{"format":"jsonl","limit":101,"model":"gpt-4o"}""")).GetProperty("trace_count").GetInt32().Should().Be(101);
        var few = Encoding.UTF8.GetString(await FileAsync(await ExportAsync("""{"format":"csv","fields":["model"],"filter":{"field":"model","operator":"eq","value":"claude"}}""")));
        Csv(few)[0].Should().Equal("ts", "trace_id", "span_id", "model");
        Csv(few).Should().HaveCount((Spans / 2) + 1);
    }

    [Fact]
    public async Task Formulas_are_made_harmless_and_the_text_is_to_be_had_again()
    {
        await FillAsync();
        var rows = Csv(Encoding.UTF8.GetString(await FileAsync(await ExportAsync("""{"format":"csv"}"""))));
        var at = Array.IndexOf(rows[0], "output_text");
        var cells = rows.Skip(1).Select(r => r[at]).ToList();
        cells.Where(c => "=+-@\t\r＝".Contains(c.TrimStart(' ')[0], StringComparison.Ordinal)).Should().BeEmpty();
        cells.Select(c => c[0] == '\'' ? c[1..] : c).Distinct().Should().BeEquivalentTo(s_hostile);
        var raw = Csv(Encoding.UTF8.GetString(await FileAsync(await ExportAsync("""{"format":"csv","raw":true}"""))));
        raw.Skip(1).Select(r => r[at]).Distinct().Should().BeEquivalentTo(s_hostile);
    }

    [Fact]
    public async Task A_job_of_another_project_looks_like_none_and_one_that_has_ended_is_not_cancelled()
    {
        await FillAsync();
        var job = await ExportAsync("""{"format":"csv"}""");
        var rival = (await PostAsync("/api/v1/keys", """{"project_id":"rival","name":"r","scopes":["read","admin"]}""")).Json.Text("key")!;
        foreach (var (method, path) in new[] { ("GET", ""), ("GET", "/download"), ("DELETE", "") })
        {
            var (theirs, absent) = (await SendAsync(new(method), $"/api/v1/export/jobs/{job.Text("job_id")}{path}", null, rival), await SendAsync(new(method), $"/api/v1/export/jobs/{Guid.Empty}{path}", null, rival));
            (theirs.Status, absent.Status).Should().Be((404, 404));
            theirs.Json.GetProperty("error").GetRawText().Replace(job.Text("job_id")!, "", StringComparison.Ordinal).Should().Be(absent.Json.GetProperty("error").GetRawText().Replace(Guid.Empty.ToString(), "", StringComparison.Ordinal));
        }
        (await GetAsync("/api/v1/export/jobs", rival)).Json.GetProperty("pagination").GetProperty("total").GetInt32().Should().Be(0);
        (await SendAsync(HttpMethod.Delete, $"/api/v1/export/jobs/{job.Text("job_id")}", null, HindcastProcess.Key)).Status.Should().Be(409);
    }

    [Fact]
    public async Task A_file_outlives_a_restart()
    {
        await FillAsync();
        var job = await ExportAsync("""{"format":"jsonl"}""");
        await Process.KillAsync();
        await StartAgainAsync();
        (await FileAsync((await GetAsync(job.Text("status_url")!)).Json)).Should().NotBeEmpty();
        var list = await JsonAsync("/api/v1/export/jobs?status=completed&limit=1");
        list.GetProperty("jobs")[0].Text("job_id").Should().Be(job.Text("job_id"));
        list.GetProperty("jobs")[0].GetProperty("metadata").GetProperty("seconds_until_expiration").GetInt64().Should().BeInRange(604_000, 604_800);
    }

    /// <summary>RFC 4180, read strictly.</summary>
    static List<string[]> Csv(string text)
    {
        var (rows, row, cell, quoted) = (new List<string[]>(), new List<string>(), new StringBuilder(), false);
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (quoted && c == '"' && i + 1 < text.Length && text[i + 1] == '"') cell.Append(text[++i]);
            else if (c == '"') quoted = !quoted;
            else if (!quoted && c is ',' or '\n' && !quoted)
            {
                row.Add(cell.ToString());
                cell.Clear();
                if (c == ',') continue;
                rows.Add([.. row]);
                row.Clear();
            }
            else if (quoted || c != '\r') cell.Append(c);
        }
        return rows;
    }
}
