using Hindcast.Application.Operations;
using Microsoft.Extensions.Logging;

namespace Hindcast.Application.Gateway;

/// <summary>Writes down what is used of budgets. What a crash takes away is the last second; what was reserved then counts as used.</summary>
public sealed class LedgerCare(Ledger ledger, TimeProvider clock, ILogger<LedgerCare> logger)
    : Chore(TimeSpan.FromSeconds(1), "What is used of budgets could not be saved", clock, logger)
{
    protected override Task DoAsync(CancellationToken ct) => ledger.SaveAsync(ct);

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await ledger.SaveAsync(cancellationToken);
    }
}
