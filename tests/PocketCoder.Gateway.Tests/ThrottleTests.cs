using System.Net;
using Microsoft.AspNetCore.Http;
using PocketCoder.Gateway.Hosting;
using PocketCoder.Gateway.Throttling;
using PocketCoder.Testing;

namespace PocketCoder.Gateway.Tests;

public sealed class ThrottleTests
{
    private static readonly IPAddress s_lan = IPAddress.Parse("192.168.1.7");
    private readonly ManualTime _time = new();

    [Fact]
    public void An_address_connects_twenty_times_at_once_and_then_once_a_second()
    {
        var throttle = new Throttle(GatewayOptions.Default, _time);
        for (var i = 0; i < 20; i++)
        {
            Assert.NotNull(throttle.Admit(s_lan).Lease);
        }

        var refused = throttle.Admit(s_lan);
        Assert.Null(refused.Lease);
        Assert.Equal(1, refused.RetryAfter);
        Assert.NotNull(throttle.Admit(IPAddress.Parse("192.168.1.8")).Lease);

        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.NotNull(throttle.Admit(s_lan).Lease);
        Assert.Null(throttle.Admit(s_lan).Lease);
    }

    [Fact]
    public void Loopback_has_a_larger_bucket_but_has_one()
    {
        var throttle = new Throttle(GatewayOptions.Default with { MaxConnectionsPerAddress = 10_000 }, _time);

        Assert.Equal(200, Enumerable.Range(0, 1000).Count(_ => throttle.Admit(IPAddress.Loopback).Lease is not null));
    }

    [Fact]
    public void Open_connections_are_limited_per_address_and_in_all_and_a_closed_one_makes_room()
    {
        var throttle = new Throttle(GatewayOptions.Default with { MaxConnectionsPerAddress = 2, MaxConnections = 3 }, _time);
        var first = throttle.Admit(s_lan).Lease;
        Assert.NotNull(throttle.Admit(s_lan).Lease);
        Assert.Null(throttle.Admit(s_lan).Lease);
        Assert.NotNull(throttle.Admit(IPAddress.Parse("10.0.0.1")).Lease);
        Assert.Null(throttle.Admit(IPAddress.Parse("10.0.0.2")).Lease);

        first!.Dispose();
        first.Dispose();
        Assert.Equal(2, throttle.Open);
        Assert.NotNull(throttle.Admit(s_lan).Lease);
    }

    [Fact]
    public void Five_failed_handshakes_shut_an_address_out_for_a_minute()
    {
        var throttle = new Throttle(GatewayOptions.Default, _time);
        for (var i = 0; i < 4; i++)
        {
            throttle.ReportFailure(s_lan);
        }

        Assert.NotNull(throttle.Admit(s_lan).Lease);
        throttle.ReportFailure(s_lan);
        Assert.Equal(60, throttle.Admit(s_lan).RetryAfter);
        Assert.NotNull(throttle.Admit(IPAddress.Parse("192.168.1.8")).Lease);

        _time.Advance(TimeSpan.FromSeconds(59));
        Assert.Equal(1, throttle.Admit(s_lan).RetryAfter);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.NotNull(throttle.Admit(s_lan).Lease);
        throttle.ReportFailure(s_lan);
        Assert.NotNull(throttle.Admit(s_lan).Lease);
    }

    [Fact]
    public void Slow_failures_are_forgotten()
    {
        var throttle = new Throttle(GatewayOptions.Default, _time);
        for (var i = 0; i < 20; i++)
        {
            throttle.ReportFailure(s_lan);
            _time.Advance(TimeSpan.FromSeconds(61));
        }

        Assert.NotNull(throttle.Admit(s_lan).Lease);
    }

    [Fact]
    public void One_subscribers_ipv6_addresses_count_as_one()
    {
        var throttle = new Throttle(GatewayOptions.Default, _time);

        Assert.Equal(20, Enumerable.Range(0, 100).Count(n => throttle.Admit(IPAddress.Parse($"2001:db8:1:2::{n:x}")).Lease is not null));
        Assert.NotNull(throttle.Admit(IPAddress.Parse("2001:db8:1:3::1")).Lease);
    }

    [Fact]
    public void A_crowd_of_addresses_neither_grows_the_memory_without_end_nor_gets_in_without_end()
    {
        var throttle = new Throttle(GatewayOptions.Default with { MaxConnections = int.MaxValue }, _time);

        var admitted = Enumerable.Range(0, 20_000).Count(n => throttle.Admit(new IPAddress(0x0A000000u + (uint)n)).Lease is not null);

        Assert.Equal(10_000 + 20, admitted);
    }

    [Fact]
    public async Task Too_many_connects_are_told_when_to_come_back()
    {
        await using var gateway = await GatewayUnderTest.StartAsync(options: GatewayOptions.Default with { ConnectBurst = 1 }, time: _time);
        for (var i = 0; i < 10; i++)
        {
            Assert.Equal(HttpStatusCode.SwitchingProtocols, (await gateway.TryConnectAsync()).Status);
        }

        var (status, headers) = await gateway.TryConnectAsync();
        Assert.Equal(HttpStatusCode.TooManyRequests, status);
        Assert.Equal("1", Assert.Single(headers["Retry-After"]));
        Assert.True(headers.ContainsKey("Content-Security-Policy"));

        _time.Advance(TimeSpan.FromMilliseconds(100));
        Assert.Equal(HttpStatusCode.SwitchingProtocols, (await gateway.TryConnectAsync()).Status);
    }

    [Fact]
    public async Task A_machine_that_reports_failed_pairings_shuts_their_address_out()
    {
        await using var gateway = await GatewayUnderTest.StartAsync(
            (link, _) =>
            {
                link.ReportFailedHandshake();
                return Task.CompletedTask;
            },
            time: _time);
        for (var i = 0; i < 5; i++)
        {
            using var socket = await gateway.ConnectAsync();
            Assert.Equal(1000, (await socket.ReceiveCloseAsync()).Code);
        }

        Assert.Equal(HttpStatusCode.TooManyRequests, (await gateway.TryConnectAsync()).Status);
        _time.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal(HttpStatusCode.SwitchingProtocols, (await gateway.TryConnectAsync()).Status);
    }

    [Theory]
    [InlineData(false, "127.0.0.1", "203.0.113.9", "127.0.0.1")] // not told of a proxy: the header is the visitor's own invention
    [InlineData(true, "127.0.0.1", "203.0.113.9", "203.0.113.9")]
    [InlineData(true, "127.0.0.1", "198.51.100.1, 203.0.113.9", "203.0.113.9")] // only the last hop was seen by our proxy
    [InlineData(true, "127.0.0.1", "198.51.100.1, 203.0.113.9, 10.0.0.9", "203.0.113.9")]
    [InlineData(true, "127.0.0.1", "203.0.113.9, rubbish", "127.0.0.1")]
    [InlineData(true, "127.0.0.1", "", "127.0.0.1")]
    [InlineData(true, "198.51.100.7", "203.0.113.9", "198.51.100.7")] // a stranger who came past the proxy
    [InlineData(true, "10.0.0.9", "203.0.113.9", "203.0.113.9")]
    [InlineData(true, "::ffff:10.0.0.9", "::ffff:203.0.113.9", "203.0.113.9")]
    public void Who_connects_is_taken_from_a_trusted_proxy_only(bool behindProxy, string peer, string forwarded, string expected)
    {
        var context = new DefaultHttpContext();
        context.Connection.RemoteIpAddress = IPAddress.Parse(peer);
        context.Request.Headers["X-Forwarded-For"] = forwarded;

        Assert.Equal(IPAddress.Parse(expected),
            new ClientAddress(new() { BehindProxy = behindProxy, Proxies = [IPAddress.Parse("10.0.0.9")] }).Of(context));
    }
}
