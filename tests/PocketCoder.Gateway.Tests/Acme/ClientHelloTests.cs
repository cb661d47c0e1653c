using System.Buffers;
using System.Net.Security;
using PocketCoder.Gateway.Tls;

namespace PocketCoder.Gateway.Tests.Acme;

/// <summary>What the gateway tells from the first bytes of a connection, with the hellos of real TLS.</summary>
public sealed class ClientHelloTests
{
    [Theory]
    [InlineData(true, "acme-tls/1")]
    [InlineData(false, "http/1.1")]
    [InlineData(false, "h2", "http/1.1")]
    [InlineData(false, "acme-tls/1", "http/1.1")]
    [InlineData(false, "http/1.1", "acme-tls/1")]
    [InlineData(false)]
    public async Task A_real_hello_is_told_apart_and_each_part_of_it_is_unfinished(bool acme, params string[] protocols)
    {
        var hello = await HelloAsync(protocols);
        Assert.Equal(acme ? FirstBytes.Acme : FirstBytes.Other, Look(hello));
        for (var length = 0; length < hello.Length; length++)
        {
            Assert.Equal(FirstBytes.Unfinished, Look(hello[..length]));
        }
    }

    [Fact]
    public async Task Whatever_is_changed_in_a_hello_it_is_read_to_an_end()
    {
        var hello = await HelloAsync("acme-tls/1");
        var random = new Random(8737);
        for (var i = 0; i < 50_000; i++)
        {
            var changed = hello.ToArray();
            for (var flips = random.Next(1, 4); flips > 0; flips--)
            {
                changed[random.Next(changed.Length)] = (byte)random.Next(256);
            }

            Assert.True(Enum.IsDefined(Look(changed[..random.Next(changed.Length + 1)])));
        }

        Assert.Equal(FirstBytes.Other, Look("GET / HTTP/1.1\r\n"u8.ToArray()));
        Assert.Equal(FirstBytes.Other, Look([22, 3, 1, 255, 255])); // larger than a record may be
    }

    private static FirstBytes Look(byte[] bytes) => ClientHello.Look(new ReadOnlySequence<byte>(bytes));

    private static async Task<byte[]> HelloAsync(params string[] protocols)
    {
        using var written = new Kept();
        await using var tls = new SslStream(written);
        var options = new SslClientAuthenticationOptions { TargetHost = "gateway.example.org" };
        if (protocols.Length > 0)
        {
            options.ApplicationProtocols = [.. protocols.Select(p => new SslApplicationProtocol(p))];
        }

        await Assert.ThrowsAnyAsync<IOException>(() => tls.AuthenticateAsClientAsync(options));
        return written.Bytes;
    }

    /// <summary>Keeps what is written and then is at its end.</summary>
    private sealed class Kept : MemoryStream
    {
        public byte[] Bytes => ToArray();

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
            => ValueTask.FromResult(0);

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
            => Task.FromResult(0);
    }
}
