using System.Text;
using PocketCoder.Link;

namespace PocketCoder.Gateway.Tests.Machines;

public sealed class LinkFrameTests
{
    [Theory]
    [InlineData(LinkKind.Challenge, 0u)]
    [InlineData(LinkKind.Frame, 1u)]
    [InlineData(LinkKind.End, uint.MaxValue)]
    public void What_is_written_is_read(LinkKind kind, uint connection)
    {
        foreach (var length in (int[])[0, 1, 4096, LinkFrame.MaxRest])
        {
            var rest = new byte[length];
            Random.Shared.NextBytes(rest);
            var read = LinkFrame.Read(LinkFrame.Write(kind, connection, rest));
            Assert.Equal((kind, connection), (read.Kind, read.Connection));
            Assert.Equal(rest, read.Rest.ToArray());
        }

        Assert.Throws<ArgumentException>(() => LinkFrame.Write(kind, connection, new byte[LinkFrame.MaxRest + 1]));
    }

    [Fact]
    public void Any_bytes_are_a_message_or_a_typed_error()
    {
        var random = new Random(23);
        for (var i = 0; i < 100_000; i++)
        {
            var bytes = new byte[random.Next(0, 64)];
            random.NextBytes(bytes);
            if (random.Next(2) == 0 && bytes.Length > 0)
            {
                bytes[0] = (byte)random.Next(0, 0x18);
            }

            try
            {
                var frame = LinkFrame.Read(bytes);
                Assert.Equal(bytes, LinkFrame.Write(frame.Kind, frame.Connection, frame.Rest.Span));
                Read(frame);
            }
            catch (LinkException e)
            {
                Assert.Equal(LinkError.Malformed, e.Error);
            }
        }
    }

    /// <summary>Each text of a link, with a piece changed: read, or refused with a type; never anything else.</summary>
    [Fact]
    public void Changed_texts_are_read_or_refused()
    {
        byte[][] texts =
        [
            LinkJson.Write(LinkKind.Challenge, 0, new LinkChallenge(1, "bm9uY2U"), LinkTypes.Default.LinkChallenge),
            LinkJson.Write(
                LinkKind.Proof, 0, new LinkProof(1, "id", "key", "signature", "1", "code", "label"), LinkTypes.Default.LinkProof),
            LinkJson.Write(LinkKind.Welcome, 0, new LinkWelcome(1, "1", 10), LinkTypes.Default.LinkWelcome),
            LinkJson.Write(LinkKind.Refused, 0, new LinkRefusal("code", "why"), LinkTypes.Default.LinkRefusal),
            LinkJson.Write(LinkKind.Opened, 1, new LinkOpened("id", "192.0.2.1"), LinkTypes.Default.LinkOpened),
            LinkJson.Write(LinkKind.End, 1, new LinkEnd(1000, ""), LinkTypes.Default.LinkEnd),
        ];
        var random = new Random(29);
        for (var i = 0; i < 20_000; i++)
        {
            var text = (byte[])texts[random.Next(texts.Length)].Clone();
            for (var changes = random.Next(1, 4); changes > 0; changes--)
            {
                text[random.Next(LinkFrame.HeaderBytes, text.Length)] = (byte)random.Next(256);
            }

            try
            {
                Read(LinkFrame.Read(text.AsMemory(0, random.Next(3) == 0 ? random.Next(LinkFrame.HeaderBytes, text.Length) : text.Length)));
            }
            catch (LinkException e)
            {
                Assert.Equal(LinkError.Malformed, e.Error);
            }
        }
    }

    [Theory]
    [InlineData("""{"v":1}""")]
    [InlineData("""{"v":1,"nonce":null}""")]
    [InlineData("""{"v":1,"nonce":"a","nonce":"b"}""")]
    [InlineData("""{"v":1,"nonce":"a"}x""")]
    [InlineData("null")]
    [InlineData("")]
    public void A_text_that_is_not_what_it_must_be_is_refused(string text)
        => Assert.Throws<LinkException>(() => Read(LinkFrame.Read(LinkFrame.Write(LinkKind.Challenge, 0, Encoding.UTF8.GetBytes(text)))));

    [Theory]
    [InlineData("https://Gateway.Example.org/", "https://gateway.example.org")]
    [InlineData("https://gateway.example.org:443/x?y", "https://gateway.example.org")]
    [InlineData("wss://gateway.example.org", "https://gateway.example.org")]
    [InlineData("https://gateway.example.org:8443", "https://gateway.example.org:8443")]
    [InlineData("http://127.0.0.1:8090", "http://127.0.0.1:8090")]
    [InlineData("http://[::1]:8090", "http://[::1]:8090")]
    [InlineData("https://bücher.example", "https://xn--bcher-kva.example")]
    public void An_address_has_one_origin(string address, string origin) => Assert.Equal(origin, LinkProofs.OriginOf(new Uri(address)));

    [Fact]
    public async Task A_window_holds_back_what_was_not_passed_on()
    {
        var window = new LinkWindow();
        for (var i = 0; i < LinkWindow.Bytes / LinkFrame.MaxRest; i++)
        {
            await window.TakeAsync(LinkFrame.MaxRest, CancellationToken.None);
        }

        var more = window.TakeAsync(2, CancellationToken.None).AsTask();
        window.Give(1);
        Assert.False(more.IsCompleted);
        window.Give(1);
        await more;
        using var left = new CancellationTokenSource();
        var never = window.TakeAsync(1, left.Token).AsTask();
        await left.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => never);
        window.Give(LinkWindow.Bytes);
        Assert.Equal(LinkError.WindowExceeded, Assert.Throws<LinkException>(() => window.Give(1)).Error);
    }

    private static void Read(LinkFrame frame)
    {
        object read = frame.Kind switch
        {
            LinkKind.Challenge => LinkJson.Read(frame, frame.Kind, LinkTypes.Default.LinkChallenge),
            LinkKind.Proof => LinkJson.Read(frame, frame.Kind, LinkTypes.Default.LinkProof),
            LinkKind.Welcome => LinkJson.Read(frame, frame.Kind, LinkTypes.Default.LinkWelcome),
            LinkKind.Refused => LinkJson.Read(frame, frame.Kind, LinkTypes.Default.LinkRefusal),
            LinkKind.Opened => LinkJson.Read(frame, frame.Kind, LinkTypes.Default.LinkOpened),
            LinkKind.End => LinkJson.Read(frame, frame.Kind, LinkTypes.Default.LinkEnd),
            LinkKind.Credit => frame.ReadCredit(),
            _ => frame.Rest,
        };
        Assert.NotNull(read);
    }
}
