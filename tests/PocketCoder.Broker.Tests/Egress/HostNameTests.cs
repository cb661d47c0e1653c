using System.Net;
using PocketCoder.Broker.Egress;

namespace PocketCoder.Broker.Tests.Egress;

public sealed class HostNameTests
{
    [Theory]
    [InlineData("Example.COM", "example.com")]
    [InlineData("example.com.", "example.com")]
    [InlineData("xn--bcher-kva.example", "xn--bcher-kva.example")]
    [InlineData("a_b.example", "a_b.example")]
    [InlineData("localhost", "localhost")]
    public void Names_get_one_spelling(string text, string expected)
    {
        Assert.True(HostName.TryParse(text, out var host));
        Assert.Equal(expected, host);
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("a..b")]
    [InlineData(".example.com")]
    [InlineData("example.com..")]
    [InlineData("127.0.0.1")]
    [InlineData("127.0.0.1.")]
    [InlineData("127.1")]
    [InlineData("2130706433")]
    [InlineData("0x7f000001")]
    [InlineData("0x7f.1")]
    [InlineData("0177.0.0.1")]
    [InlineData("1.2.3.4.5")]
    [InlineData("example.0x")]
    [InlineData("[::1]")]
    [InlineData("::1")]
    [InlineData("[::ffff:127.0.0.1]")]
    [InlineData("a@b")]
    [InlineData("evil\0.example.com")]
    [InlineData("a b")]
    [InlineData("a%2eb")]
    [InlineData("bücher.example")]
    [InlineData("１２７.0.0.1")]
    [InlineData("exam\u200bple.com")]
    [InlineData("-a.example")]
    [InlineData("a/b")]
    public void What_is_no_plain_name_is_refused(string text) => Assert.False(HostName.TryParse(text, out _));

    [Theory]
    [InlineData("example.com", "example.com", 443, true)]
    [InlineData("example.com", "example.com", 80, true)]
    [InlineData("example.com", "example.com", 22, false)]
    [InlineData("example.com", "www.example.com", 443, false)]
    [InlineData("example.com", "evilexample.com", 443, false)]
    [InlineData("example.com", "example.com.evil.org", 443, false)]
    [InlineData(".example.com", "www.example.com", 443, true)]
    [InlineData(".example.com", "a.b.example.com", 443, true)]
    [InlineData(".example.com", "example.com", 443, false)]
    [InlineData(".example.com", "evilexample.com", 443, false)]
    [InlineData("Example.COM.:8443", "example.com", 8443, true)]
    [InlineData("example.com:8443,9000", "example.com", 9000, true)]
    [InlineData("example.com:8443", "example.com", 443, false)]
    [InlineData("bücher.example", "xn--bcher-kva.example", 443, true)]
    public void Rules_match_the_host_they_name(string rule, string host, int port, bool expected)
        => Assert.Equal(expected, EgressRule.Parse(rule).Matches(host, port));

    [Theory]
    [InlineData("")]
    [InlineData(".com")]
    [InlineData("*")]
    [InlineData("*.example.com")]
    [InlineData("127.0.0.1")]
    [InlineData("example.com:")]
    [InlineData("example.com:0")]
    [InlineData("example.com:70000")]
    [InlineData("http://example.com")]
    public void What_is_no_rule_is_a_typed_error(string rule) => Assert.Throws<FormatException>(() => EgressRule.Parse(rule));

    [Theory]
    [InlineData("1.1.1.1", true)]
    [InlineData("8.8.8.8", true)]
    [InlineData("2606:4700::1111", true)]
    [InlineData("127.0.0.1", false)]
    [InlineData("127.255.255.254", false)]
    [InlineData("0.0.0.0", false)]
    [InlineData("10.0.0.1", false)]
    [InlineData("172.16.0.1", false)]
    [InlineData("172.31.255.255", false)]
    [InlineData("172.32.0.1", true)]
    [InlineData("192.168.1.1", false)]
    [InlineData("169.254.169.254", false)]
    [InlineData("168.63.129.16", false)] // Azure
    [InlineData("168.63.129.17", true)]
    [InlineData("199.36.153.4", false)] // Google
    [InlineData("199.36.153.11", false)]
    [InlineData("199.36.153.12", true)]
    [InlineData("2600:2d00:2:1000::1", false)]
    [InlineData("161.26.0.10", false)] // IBM
    [InlineData("166.9.250.1", false)]
    [InlineData("192.80.8.124", false)] // Equinix
    [InlineData("100.100.100.200", false)] // Alibaba
    [InlineData("192.0.0.192", false)] // Oracle
    [InlineData("fd00:ec2::254", false)] // AWS
    [InlineData("fd20:ce::254", false)] // Google
    [InlineData("100.64.0.1", false)]
    [InlineData("100.128.0.1", true)]
    [InlineData("198.18.0.1", false)]
    [InlineData("224.0.0.1", false)]
    [InlineData("255.255.255.255", false)]
    [InlineData("::", false)]
    [InlineData("::1", false)]
    [InlineData("::ffff:127.0.0.1", false)]
    [InlineData("::ffff:8.8.8.8", false)]
    [InlineData("64:ff9b::7f00:1", false)]
    [InlineData("2002:7f00:1::", false)]
    [InlineData("2001:0:1::", false)]
    [InlineData("fe80::1", false)]
    [InlineData("fc00::1", false)]
    [InlineData("fd12::1", false)]
    [InlineData("ff02::1", false)]
    [InlineData("2001:db8::1", false)]
    public void Only_public_addresses_are_public(string address, bool expected)
        => Assert.Equal(expected, PublicAddress.IsPublic(IPAddress.Parse(address)));
}
