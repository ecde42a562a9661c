using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Hindcast.Application.Alerts;

/// <summary>
/// Sends what is due, and tries again what was not taken: after 5 s, then twice as long each time up to half an hour, twelve times in all.
/// Anything but a 2xx is not taken, a redirect too.
/// </summary>
public sealed class AlertPost(IAlertStore store, IWebhooks webhooks, TimeProvider clock)
{
    public const int MostAttempts = 12;
    const int AtOnce = 8;
    static readonly TimeSpan s_first = TimeSpan.FromSeconds(5), s_longest = TimeSpan.FromMinutes(30), s_kept = TimeSpan.FromDays(30);

    public async Task SendAsync(CancellationToken ct) => await Parallel.ForEachAsync(
        await store.DueAsync(clock.GetUtcNow(), 10 * AtOnce, ct), new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = ct },
        async (due, stop) => await SendAsync(due, stop));

    async Task SendAsync(DueDelivery due, CancellationToken ct)
    {
        var (delivery, body, at) = (due.Delivery, Encoding.UTF8.GetBytes(due.Delivery.Body), clock.GetUtcNow().ToUnixTimeSeconds());
        var (status, error) = await webhooks.PostAsync(
            new(due.Url), body, [new("X-Hindcast-Delivery", delivery.Id), new("X-Hindcast-Signature", Signature(due.Secret, at, body))], ct);
        var (now, attempts, taken) = (clock.GetUtcNow(), delivery.Attempts + 1, status is >= 200 and < 300);
        var over = taken || attempts >= MostAttempts;
        await store.AttemptedAsync(
            delivery with
            {
                Attempts = attempts, Status = status, Error = error, Due = now + Wait(attempts), Ended = over ? now : null,
                State = taken ? DeliveryState.Delivered : over ? DeliveryState.Failed : DeliveryState.Pending,
            },
            now - s_kept, ct);
    }

    /// <summary>Before the attempt that comes after so many.</summary>
    static TimeSpan Wait(int attempts) => s_first * (1L << (attempts - 1)) is var wait && wait < s_longest ? wait : s_longest;

    /// <summary><c>t=&lt;unix seconds&gt;,v1=&lt;hex&gt;</c>: the HMAC-SHA256, under the rule's secret, of the time, a dot and the body.</summary>
    public static string Signature(string secret, long at, ReadOnlySpan<byte> body)
    {
        byte[] signed = [.. Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{at}.")), .. body];
        return string.Create(CultureInfo.InvariantCulture, $"t={at},v1={Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), signed))}");
    }
}
