using System.Globalization;
using Hindcast.Application;

namespace Hindcast.Api.Native;

/// <summary>Query parameters of our own doors: empty is absent, and what cannot be read is refused by name.</summary>
internal readonly struct QueryValues(IQueryCollection query)
{
    public string? Text(string name) => query[name] is not [{ Length: > 0 } text] ? null
        : text.Contains('\0') ? throw new BadRequest(name, $"{name} must not contain NUL")
        : text;

    public DateTimeOffset? Moment(string name) => Text(name) is not { } text ? null
        : Times.TryParseAsUtc(text, out var time) ? time
        : throw new BadRequest(name, $"{name} must be an ISO 8601 time");

    public int Whole(string name, int otherwise, int least, int most) => Text(name) is not { } text ? otherwise
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= least && value <= most ? value
        : throw new BadRequest(name, $"{name} must be a whole number from {least} to {most}");
}
