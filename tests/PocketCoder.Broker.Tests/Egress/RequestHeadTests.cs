using System.Text;
using PocketCoder.Broker.Egress;

namespace PocketCoder.Broker.Tests.Egress;

public sealed class RequestHeadTests
{
    [Theory]
    [InlineData("CONNECT Example.com:443 HTTP/1.1|Host: example.com:443", "CONNECT example.com 443 ")]
    [InlineData("CONNECT example.com:443 HTTP/1.1|Host: example.com", "CONNECT example.com 443 ")]
    [InlineData("CONNECT example.com.:22 HTTP/1.0", "CONNECT example.com 22 ")]
    [InlineData("GET http://example.com/a?b HTTP/1.1|Host: example.com", "GET example.com 80 /a?b")]
    [InlineData("GET http://example.com HTTP/1.1|Host: example.com", "GET example.com 80 /")]
    [InlineData("GET http://example.com?x HTTP/1.1|Host: example.com", "GET example.com 80 /?x")]
    [InlineData("GET http://example.com:8080/ HTTP/1.1|Host: example.com:8080", "GET example.com 8080 /")]
    public void Requests_are_read(string text, string expected)
    {
        var head = Parse(text);
        Assert.Equal(expected, $"{head.Method} {head.Host} {head.Port} {head.Path}");
    }

    [Theory]
    [InlineData("GET / HTTP/1.1|Host: example.com")]
    [InlineData("GET https://example.com/ HTTP/1.1|Host: example.com")]
    [InlineData("GET http://example.com/ HTTP/1.1|Host: evil.com")]
    [InlineData("GET http://example.com/ HTTP/1.1|Host: example.com:81")]
    [InlineData("GET http://example.com/ HTTP/1.1|Host: example.com|Host: example.com")]
    [InlineData("GET http://example.com/ HTTP/1.1")]
    [InlineData("GET http://user@example.com/ HTTP/1.1|Host: example.com")]
    [InlineData("GET http://example.com@evil.com/ HTTP/1.1|Host: evil.com")]
    [InlineData("GET http://example.com\\@evil.com/ HTTP/1.1|Host: example.com")]
    [InlineData("GET http://example.com#@evil.com/ HTTP/1.1|Host: example.com")]
    [InlineData("GET http://127.0.0.1/ HTTP/1.1|Host: 127.0.0.1")]
    [InlineData("GET http://[::1]/ HTTP/1.1|Host: [::1]")]
    [InlineData("GET http://example.com:0/ HTTP/1.1|Host: example.com")]
    [InlineData("GET http://example.com:080/ HTTP/1.1|Host: example.com")]
    [InlineData("GET http://example.com/ a HTTP/1.1|Host: example.com")]
    [InlineData("GET  http://example.com/ HTTP/1.1|Host: example.com")]
    [InlineData("GET http://example.com/ HTTP/2|Host: example.com")]
    [InlineData("TRACE http://example.com/ HTTP/1.1|Host: example.com")]
    [InlineData("get http://example.com/ HTTP/1.1|Host: example.com")]
    [InlineData("CONNECT example.com HTTP/1.1|Host: example.com")]
    [InlineData("CONNECT example.com:443 HTTP/1.1|Host: evil.com:443")]
    [InlineData("CONNECT example.com:443 HTTP/1.1|Host: example.com:80")]
    [InlineData("CONNECT example.com:443/ HTTP/1.1|Host: example.com:443")]
    [InlineData("CONNECT a@example.com:443 HTTP/1.1|Host: example.com:443")]
    [InlineData("CONNECT example.com:443 HTTP/1.1|Host: example.com:443|Content-Length: 3")]
    [InlineData("POST http://example.com/ HTTP/1.1|Host: example.com|Content-Length: 3|Content-Length: 3")]
    [InlineData("POST http://example.com/ HTTP/1.1|Host: example.com|Content-Length: 3|Transfer-Encoding: chunked")]
    [InlineData("POST http://example.com/ HTTP/1.1|Host: example.com|Content-Length: +3")]
    [InlineData("POST http://example.com/ HTTP/1.1|Host: example.com|Content-Length: 3, 3")]
    [InlineData("POST http://example.com/ HTTP/1.1|Host: example.com|Content-Length:")]
    [InlineData("POST http://example.com/ HTTP/1.1|Host: example.com|Transfer-Encoding: gzip, chunked")]
    [InlineData("POST http://example.com/ HTTP/1.1|Host: example.com|Transfer-Encoding: chunked, chunked")]
    [InlineData("POST http://example.com/ HTTP/1.1|Host: example.com|Transfer-Encoding : chunked")]
    [InlineData("GET http://example.com/ HTTP/1.1|Host: example.com| folded")]
    [InlineData("GET http://example.com/ HTTP/1.1|Host: example.com|X: a\nY: b")]
    [InlineData("GET http://example.com/ HTTP/1.1|Host: example.com|X: a\rY: b")]
    [InlineData("GET http://example.com/ HTTP/1.1|Host: example.com|X: a\0b")]
    [InlineData("GET http://example.com/é HTTP/1.1|Host: example.com")]
    [InlineData("GET http://exa\0mple.com/ HTTP/1.1|Host: example.com")]
    public void What_could_be_read_in_two_ways_is_refused(string text) => Assert.Throws<BadRequestException>(() => Parse(text));

    [Fact]
    public void The_server_sees_its_own_form_and_nothing_that_was_meant_for_the_proxy()
    {
        var head = Parse("POST http://Example.com:8080/a HTTP/1.1|Host: example.com:8080|Accept: x|Connection: keep-alive, X-Secret|X-Secret: 1|Proxy-Authorization: Basic x|Transfer-Encoding: Chunked|Upgrade: h2c");
        Assert.Equal("POST /a HTTP/1.1\r\nHost: example.com:8080\r\nAccept: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
            Encoding.ASCII.GetString(head.ToOrigin()));
    }

    [Fact]
    public void Random_heads_are_refused_or_carry_exactly_one_host()
    {
        string[] pieces = ["GET ", "POST ", "CONNECT ", "http://", "example.com", "evil.com", ":443", ":80", "/", " HTTP/1.1", "\r\n", "\n",
            "\r", "Host: ", "Content-Length: ", "Transfer-Encoding: ", "chunked", "5", " ", "\t", "@", "\\", "#", "?", ":", "\0", "é", "x"];
        for (var seed = 0; seed < 30_000; seed++)
        {
            var random = new Random(seed);
            var text = string.Concat(Enumerable.Range(0, random.Next(4, 24)).Select(_ => pieces[random.Next(pieces.Length)])) + "\r\n\r\n";
            try
            {
                var head = RequestHead.Parse(Encoding.Latin1.GetBytes(text));
                Assert.True(head.Host is "example.com" or "evil.com" || HostName.TryParse(head.Host, out _), $"seed {seed}");
                var origin = Encoding.ASCII.GetString(head.ToOrigin());
                Assert.Equal(1, origin.Split("\r\n").Count(l => l.StartsWith("host:", StringComparison.OrdinalIgnoreCase)));
                Assert.Equal(origin.Length - 4, origin.IndexOf("\r\n\r\n", StringComparison.Ordinal));
            }
            catch (BadRequestException)
            {
                // Refused.
            }
        }
    }

    private static RequestHead Parse(string text)
        => RequestHead.Parse(Encoding.Latin1.GetBytes(text.Replace("|", "\r\n", StringComparison.Ordinal) + "\r\n\r\n"));
}
