using System.Net;
using System.Net.Sockets;
using PocketCoder.Gateway.Hosting;

namespace PocketCoder.Gateway.Tests;

public sealed class ListenTests
{
    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("::")]
    [InlineData("192.168.1.5")]
    [InlineData("169.254.1.1")]
    public void An_address_others_reach_is_refused_without_tls_or_a_declared_proxy(string address)
    {
        var options = GatewayOptions.Default with { Listen = [new IPEndPoint(IPAddress.Parse(address), 8090)] };

        var refusal = Assert.Throws<GatewayRefusal>(() => ListenPlan.From(options));
        Assert.Equal(RefusalReason.PublicWithoutTls, refusal.Reason);
        Assert.Contains("tls init", refusal.Message, StringComparison.Ordinal);
        _ = ListenPlan.From(options with { BehindProxy = true });
        _ = ListenPlan.From(options with { Tls = new("c", "k") });
    }

    [Fact]
    public void Without_a_word_it_listens_on_loopback_only()
    {
        var plan = ListenPlan.From(GatewayOptions.Default);

        Assert.NotEmpty(plan.Endpoints);
        Assert.All(plan.Endpoints, e => Assert.True(IPAddress.IsLoopback(e.Address)));
        Assert.All(plan.Endpoints, e => Assert.Equal(8090, e.Port));
    }

    [Fact]
    public async Task A_refused_option_starts_nothing()
    {
        await Assert.ThrowsAsync<GatewayRefusal>(
            () => GatewayUnderTest.StartAsync(options: GatewayOptions.Default with { Names = ["box.example"] }));
        await Assert.ThrowsAsync<GatewayRefusal>(
            () => GatewayUnderTest.StartAsync(options: GatewayOptions.Default with { Origins = ["https://app.example/"] }));
        await Assert.ThrowsAsync<GatewayRefusal>(() => GatewayUnderTest.StartAsync(
            options: GatewayOptions.Default with { Tls = new("/nonexistent/cert.pem", "/nonexistent/key.pem") }));
    }

    [Fact]
    public async Task A_taken_port_names_the_port_and_who_has_it()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var endpoint = (IPEndPoint)other.LocalEndpoint;

        var refusal = await Assert.ThrowsAsync<GatewayRefusal>(
            () => GatewayUnderTest.StartAsync(options: GatewayOptions.Default with { Listen = [endpoint] }));
        Assert.Equal(RefusalReason.PortBusy, refusal.Reason);
        Assert.Contains($"Port {endpoint.Port} is taken", refusal.Message, StringComparison.Ordinal);
        if (OperatingSystem.IsLinux())
        {
            Assert.Contains($"pid {Environment.ProcessId} ", refusal.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Who_has_a_port_is_found_while_its_process_opens_and_closes_files_and_sockets()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        using var stop = new CancellationTokenSource();
        var noise = Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                using var file = File.OpenRead("/dev/null");
                using var socket = new TcpListener(IPAddress.Loopback, 0);
                socket.Start();
            }
        })).ToArray();
        var found = Enumerable.Range(0, 200).Select(_ => PortHolder.Describe(((IPEndPoint)other.LocalEndpoint).Port)).ToList();
        await stop.CancelAsync();
        await Task.WhenAll(noise);
        Assert.All(found, f => Assert.StartsWith($"pid {Environment.ProcessId} ", f, StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_address_of_another_machine_is_refused_in_words()
    {
        var refusal = await Assert.ThrowsAsync<GatewayRefusal>(() => GatewayUnderTest.StartAsync(
            options: GatewayOptions.Default with { Listen = [new IPEndPoint(IPAddress.Parse("192.0.2.1"), 0)], BehindProxy = true }));
        Assert.Equal(RefusalReason.CannotListen, refusal.Reason);
    }

    [Fact]
    public void The_best_address_for_a_phone_comes_first()
    {
        var plan = ListenPlan.From(new()
        {
            BehindProxy = true,
            Names = ["box.example", "localhost:9000"],
            Listen = [new(IPAddress.Any, 8090), new(IPAddress.IPv6Any, 8090)]
        });

        Assert.Equal(["https://box.example", "http://localhost:9000", "http://127.0.0.1:8090"],
            plan.UrlsFor(["http://0.0.0.0:8090", "http://[::]:8090"]));
    }
}
