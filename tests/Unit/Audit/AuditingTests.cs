using Hindcast.Application;
using Hindcast.Application.Audit;
using Hindcast.Application.Projects;
using Hindcast.Unit.Projects;
using MediatR;

namespace Hindcast.Unit.Audit;

public sealed class AuditingTests
{
    readonly Lines _lines = new();
    readonly ManualClock _clock = new();

    [Fact]
    public void Every_command_of_somebody_is_audited()
    {
        var commands = typeof(IAudited).Assembly.GetTypes()
            .Where(t => t.GetInterfaces().Any(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IRequest<>)) && t.GetProperty("By")?.PropertyType == typeof(Caller));
        commands.Where(t => !((string[])["List", "Get", "Try"]).Any(asks => t.Name.StartsWith(asks, StringComparison.Ordinal)) && !t.IsAssignableTo(typeof(IAudited)))
            .Should().BeEmpty("what changes something says who did it");
    }

    [Fact]
    public async Task A_line_stands_before_the_answer()
    {
        (await SendAsync(() => Task.FromResult(7))).Should().Be(7);
        _lines.Rows.Should().ContainSingle().Which.Should().Be(new AuditRow(0, _clock.Now, "shop", "key_1", "thing.do", "7", Outcomes.Done, null));

        _lines.Broken = true;
        await this.Invoking(t => t.SendAsync(() => Task.FromResult(8))).Should().ThrowAsync<IOException>("who has no line has no answer");
    }

    [Fact]
    public async Task What_breaks_off_says_so_and_what_is_refused_says_nothing()
    {
        await this.Invoking(t => t.SendAsync(() => throw new OperationCanceledException())).Should().ThrowAsync<OperationCanceledException>();
        _lines.Rows.Should().ContainSingle().Which.Should().Match<AuditRow>(r => r.Outcome == Outcomes.Unknown && r.Target == null);
        foreach (var refusal in (Exception[])[new BadRequest("x", "x"), new NotFound("x"), new Unprocessable("x", "x")])
            await this.Invoking(t => t.SendAsync(() => throw refusal)).Should().ThrowAsync<Exception>();
        _lines.Rows.Should().ContainSingle();
    }

    Task<int> SendAsync(Func<Task<int>> work) => new Auditing<Thing, int>(_lines, _clock).Handle(new(), new CancellationToken(canceled: true), () => work());

    sealed record Thing : IAudited
    {
        public Deed? Deed(object? answer) => new(new("shop", "key_1", Scopes.Admin, "development"), "thing.do", answer?.ToString());
    }

    sealed class Lines : IAuditStore
    {
        public List<AuditRow> Rows { get; } = [];
        public bool Broken { get; set; }

        public Task AddAsync(AuditRow row, CancellationToken ct)
        {
            ct.ThrowIfCancellationRequested();
            if (Broken) throw new IOException("full");
            Rows.Add(row);
            return Task.CompletedTask;
        }

        public Task<IReadOnlyList<AuditRow>> ListAsync(AuditSearch search, CancellationToken ct) => Task.FromResult<IReadOnlyList<AuditRow>>(Rows);
    }
}
