using System.Net;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using PocketCoder.Gateway.Hosting;

namespace PocketCoder.Gateway.Tests;

public sealed class RoutesTests
{
    [Fact]
    public async Task Every_route_is_known_here_and_says_who_may_use_it()
    {
        await using var gateway = await GatewayUnderTest.StartAsync();

        var routes = gateway.Server.Endpoints.Cast<RouteEndpoint>()
            .Select(e => (
                e.RoutePattern.RawText,
                string.Join(' ', e.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods),
                e.Metadata.GetMetadata<RouteAccess>()
                    ?? throw new InvalidOperationException($"{e.RoutePattern.RawText} is not classified")))
            .Order()
            .ToList();

        // A new route must be added here by somebody who thought about who may use it.
        Assert.Equal(
            [("/healthz", "GET HEAD", RouteAccess.Public), ("/v1/relay", "GET", RouteAccess.ProvenOverChannel),
                ("/{**path}", "GET HEAD", RouteAccess.Public)],
            routes);
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/healthz")]
    [InlineData("/v1/relay?machine=machine-1")]
    [InlineData("/session")]
    [InlineData("/api/stop")]
    public async Task No_body_of_any_kind_does_anything(string path)
    {
        await using var gateway = await GatewayUnderTest.StartAsync((_, _) => throw new InvalidOperationException("reached the machine"));
        using var client = gateway.Client();
        foreach (var method in (string[])["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "QUERY"])
        {
            foreach (var type in (string?[])["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
                "application/json", null])
            {
                using var request = new HttpRequestMessage(new HttpMethod(method), path);
                request.Headers.Add("Origin", $"http://{gateway.Base.Authority}");
                request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes("{}"));
                if (type is not null)
                {
                    request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
                }

                using var response = await client.SendAsync(request);
                Assert.Equal(HttpStatusCode.MethodNotAllowed, response.StatusCode);
                AssertHeaders(response);
            }
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData("null")]
    [InlineData("https://evil.example")]
    public async Task What_was_shared_without_the_apps_worker_is_not_read_and_leads_to_a_page_that_says_so(string? origin)
    {
        using var logs = new LogCapture();
        await using (var gateway = await GatewayUnderTest.StartAsync(
            (_, _) => throw new InvalidOperationException("reached the machine"), logs: logs))
        {
            // Most of the body is never sent: the answer doesn't wait for it.
            var lines = string.Concat(
                "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 1000000000",
                origin is null ? "" : $"\r\nOrigin: {origin}");
            var answer = await RawHttp.SendAsync(
                gateway.Port,
                RawHttp.Get("/share", $"127.0.0.1:{gateway.Port}", lines).Replace("GET ", "POST ", StringComparison.Ordinal) + "SECRET-1");

            Assert.StartsWith("HTTP/1.1 303 ", answer, StringComparison.Ordinal);
            Assert.Contains("\r\nLocation: /new?shared=missed\r\n", answer, StringComparison.Ordinal);
            Assert.Contains("\r\nConnection: close\r\n", answer, StringComparison.Ordinal);
            Assert.Contains("\r\nContent-Length: 0\r\n", answer, StringComparison.Ordinal);
        }

        Assert.DoesNotContain(logs.Lines, l => l.Contains("SECRET", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("POST", "/share/", 405)]
    [InlineData("POST", "/Share", 405)]
    [InlineData("PUT", "/share", 405)]
    public async Task Only_that_one_method_at_that_one_address_is_led_on(string method, string path, int status)
    {
        await using var gateway = await GatewayUnderTest.StartAsync();
        using var client = gateway.Client();
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        using var response = await client.SendAsync(request);

        Assert.Equal(status, (int)response.StatusCode);
        AssertHeaders(response);
    }

    [Theory]
    [InlineData("/v1/relay", 426)]
    [InlineData("/v1/other", 404)]
    [InlineData("/v1/relay/", 426)]
    [InlineData("/nothing.js", 404)]
    [InlineData("/ca.crt", 404)]
    [InlineData("/healthz", 200)]
    public async Task What_is_not_there_is_not_found(string path, int status)
    {
        await using var gateway = await GatewayUnderTest.StartAsync();
        using var client = gateway.Client();
        using var response = await client.GetAsync(path);

        Assert.Equal(status, (int)response.StatusCode);
        AssertHeaders(response);
    }

    [Fact]
    public async Task Health_is_empty()
    {
        await using var gateway = await GatewayUnderTest.StartAsync();
        using var client = gateway.Client();
        using var response = await client.GetAsync("/healthz");

        Assert.Empty(await response.Content.ReadAsByteArrayAsync());
        Assert.Equal(0, response.Content.Headers.ContentLength);
    }

    [Theory]
    [InlineData("Host", "evil.example", 421)]
    [InlineData("Origin", "https://evil.example", 403)]
    public async Task Refusals_carry_the_same_headers_and_tell_the_page_nothing(string header, string value, int status)
    {
        await using var gateway = await GatewayUnderTest.StartAsync();
        using var client = gateway.Client();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/");
        request.Headers.TryAddWithoutValidation(header, value);
        using var response = await client.SendAsync(request);

        Assert.Equal(status, (int)response.StatusCode);
        Assert.DoesNotContain("evil", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        AssertHeaders(response);
    }

    [Fact]
    public async Task A_connect_without_what_it_needs_is_told_so()
    {
        await using var gateway = await GatewayUnderTest.StartAsync();

        Assert.Equal(HttpStatusCode.BadRequest, (await gateway.TryConnectAsync(subprotocol: null)).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await gateway.TryConnectAsync(subprotocol: "other.v1")).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await gateway.TryConnectAsync(machine: null)).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await gateway.TryConnectAsync(machine: "")).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await gateway.TryConnectAsync(machine: "a%2Fb")).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await gateway.TryConnectAsync(machine: "a&machine=b")).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await gateway.TryConnectAsync(machine: new string('a', 65))).Status);
        Assert.Equal(HttpStatusCode.SwitchingProtocols, (await gateway.TryConnectAsync()).Status);
    }

    [Fact]
    public async Task Nothing_that_was_sent_to_it_stands_in_its_log()
    {
        using var logs = new LogCapture();
        await using (var gateway = await GatewayUnderTest.StartAsync(logs: logs))
        {
            using var client = gateway.Client();
            _ = await client.GetAsync("/?token=SECRET-1");
            _ = await gateway.TryConnectAsync(machine: "machine-1&token=SECRET-2");
            _ = await RawHttp.SendAsync(gateway.Port, RawHttp.Get("/SECRET-3", "SECRET-4.example", "Origin: https://SECRET-5.example"));
            using var socket = await gateway.ConnectAsync();
            await socket.SendFrameAsync([RelayFrame.Sealed, .. "SECRET-6"u8]);
            Assert.NotNull(await socket.ReceiveFrameAsync());
        }

        Assert.NotEmpty(logs.Lines);
        Assert.DoesNotContain(logs.Lines, l => l.Contains("SECRET", StringComparison.Ordinal));
    }

    internal static void AssertHeaders(HttpResponseMessage response)
    {
        string Header(string name) => Assert.Single(response.Headers.GetValues(name));
        var policy = Header("Content-Security-Policy");
        Assert.StartsWith("default-src 'none'; script-src 'self'; style-src 'self';", policy, StringComparison.Ordinal);
        Assert.Contains("frame-ancestors 'none'", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
        Assert.Equal("nosniff", Header("X-Content-Type-Options"));
        Assert.Equal("no-referrer", Header("Referrer-Policy"));
        Assert.Equal("same-origin", Header("Cross-Origin-Opener-Policy"));
        Assert.Equal("same-origin", Header("Cross-Origin-Resource-Policy"));
        var permissions = Header("Permissions-Policy").Split(", ");
        Assert.Contains("camera=(self)", permissions); // to read the QR code of a pairing link
        Assert.All(permissions.Where(p => p != "camera=(self)"), p => Assert.EndsWith("=()", p, StringComparison.Ordinal));
        Assert.False(response.Headers.Contains("Set-Cookie"));
        Assert.False(response.Headers.Contains("Server"));
        Assert.DoesNotContain(response.Headers, h => h.Key.StartsWith("Access-Control-", StringComparison.OrdinalIgnoreCase));
    }
}
