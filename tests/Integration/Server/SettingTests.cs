namespace Hindcast.Integration.Server;

/// <summary>A setting that cannot be is refused at the start, by its name: found out later, it is found out at night.</summary>
public sealed class SettingTests
{
    [Theory]
    [InlineData("Hindcast__Gateway__Gather", "-00:00:01", "Gateway.Gather")]
    [InlineData("Hindcast__TimeTravel__Facts", "0", "TimeTravel.Facts")]
    [InlineData("Hindcast__Limits__RequestsPerMinute", "-5", "Limits.RequestsPerMinute")]
    public async Task A_value_out_of_range_stops_the_start_and_is_named(string name, string value, string named) =>
        (await RefusedStart.SaysAsync(("ASPNETCORE_URLS", "http://127.0.0.1:0"), (name, value))).Should().Contain(named).And.Contain("must be between");
}
