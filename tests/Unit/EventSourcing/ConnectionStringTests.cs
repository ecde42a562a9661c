using Hindcast.Infrastructure.EventLogs.EventStoreDb;

namespace Hindcast.Unit.EventSourcing;

public sealed class ConnectionStringTests
{
    [Theory]
    [InlineData("esdb://db:1113", "db:1113", false)]
    [InlineData("esdb://db", "db:2113", false)]
    [InlineData("esdb://db/?tls=false", "db:2113", false)]
    [InlineData("esdb://a,b:3,[::1]:4/", "a:2113|b:3|[::1]:4", true)]
    [InlineData("esdb+discover://cluster.example:2114", "cluster.example:2114", true)]
    [InlineData("KurrentDB+Discover://[fe80::1]", "[fe80::1]:2113", true)]
    [InlineData("kurrent://db", "db:2113", false)]
    [InlineData("kdb://u:p@db", "db:2113", false)]
    public void Hosts_and_discovery_are_read(string text, string hosts, bool gossip)
    {
        var parsed = ConnectionString.Parse(text);
        string.Join('|', parsed.Hosts).Should().Be(hosts);
        parsed.Gossip.Should().Be(gossip);
    }

    [Fact]
    public void What_is_not_said_is_as_the_vendors_clients_have_it()
    {
        var parsed = ConnectionString.Parse("esdb://db");
        (parsed.Tls, parsed.VerifyCertificate, parsed.User, parsed.CaFile, parsed.UserCertificate).Should().Be((true, true, null, null, null));
        (parsed.MaxDiscoverAttempts, parsed.Preference).Should().Be((10, NodePreference.Leader));
        (parsed.DiscoveryInterval.TotalMilliseconds, parsed.GossipTimeout.TotalSeconds, parsed.Deadline.TotalSeconds).Should().Be((100, 5, 10));
        (parsed.KeepAliveInterval!.Value.TotalSeconds, parsed.KeepAliveTimeout.TotalSeconds).Should().Be((10, 10));
    }

    [Fact]
    public void Every_key_is_read_whatever_its_case()
    {
        var parsed = ConnectionString.Parse("esdb://al%40ice:p%3Aw%2F@db?TLS=true&tlsverifycert=FALSE&tlsCaFile=%2Fca.crt&userCertFile=c&userKeyFile=k&connectionName=one"
            + "&maxDiscoverAttempts=3&discoveryInterval=20&gossipTimeout=30&nodePreference=readonlyreplica&defaultDeadline=40&throwOnAppendFailure=false&keepAliveInterval=-1&keepAliveTimeout=50");
        (parsed.User, parsed.Password).Should().Be(("al@ice", "p:w/"));
        (parsed.Tls, parsed.VerifyCertificate, parsed.CaFile, parsed.UserCertificate, parsed.ConnectionName).Should().Be((true, false, "/ca.crt", ("c", "k"), "one"));
        (parsed.MaxDiscoverAttempts, parsed.DiscoveryInterval.TotalMilliseconds, parsed.GossipTimeout.TotalMilliseconds).Should().Be((3, 20, 30));
        (parsed.Preference, parsed.Deadline.TotalMilliseconds, parsed.KeepAliveInterval, parsed.KeepAliveTimeout.TotalMilliseconds).Should().Be((NodePreference.ReadOnlyReplica, 40, null, 50));
    }

    [Theory]
    [InlineData("localhost:2113", "*does not begin with*")]
    [InlineData("http://localhost", "*scheme is 'http'*")]
    [InlineData("esdb://", "*is no host*")]
    [InlineData("esdb://a,,b", "*is no host*")]
    [InlineData("esdb://a b", "*is no host*")]
    [InlineData("esdb://db:0", "*is no port*")]
    [InlineData("esdb://db:99999", "*is no port*")]
    [InlineData("esdb://db/path", "*has a path*")]
    [InlineData("esdb://user@db", "*user:password*")]
    [InlineData("esdb://db?tls", "*is not key=value*")]
    [InlineData("esdb://db?tls=maybe", "*'maybe' is no value of 'tls'*")]
    [InlineData("esdb://db?tls=true&TLS=true", "*'TLS' is given twice*")]
    [InlineData("esdb://db?sslmode=none", "*'sslmode' is no key*")]
    [InlineData("esdb://db?nodePreference=1", "*no value of 'nodePreference'*")]
    [InlineData("esdb://db?gossipTimeout=0", "*no value of 'gossipTimeout'*")]
    [InlineData("esdb://db?defaultDeadline=-5", "*no value*")]
    [InlineData("esdb://db?userCertFile=c", "*together*")]
    public void What_cannot_be_read_is_refused_by_name(string text, string why) =>
        FluentActions.Invoking(() => ConnectionString.Parse(text)).Should().Throw<BadConnectionString>().WithMessage(why);

    [Fact]
    public void The_password_is_never_shown() => ConnectionString.Parse("esdb://admin:secret@db").ToString().Should().Be("db:2113");
}
