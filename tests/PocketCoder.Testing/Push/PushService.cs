using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace PocketCoder.Testing.Push;

/// <summary>What arrived for a device, opened as the device would.</summary>
public sealed record PushReceived(string Path, IReadOnlyDictionary<string, string> Headers, byte[] Body, string Text)
{
    public int Length => Body.Length;
}

/// <summary>
/// A browser's subscription with the device's private half: opens what is sealed for it (RFC 8291), written apart from the product's code.
/// </summary>
public sealed class PushReceiver : IDisposable
{
    private readonly ECDiffieHellman _key = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);

    public PushReceiver(string endpoint)
    {
        Endpoint = endpoint;
        var point = _key.ExportParameters(false).Q;
        PublicKey = [4, .. point.X!, .. point.Y!];
    }

    public string Endpoint { get; }

    public byte[] PublicKey { get; }

    public byte[] Auth { get; } = RandomNumberGenerator.GetBytes(16);

    public string P256dh => Base64Url.EncodeToString(PublicKey);

    public string AuthText => Base64Url.EncodeToString(Auth);

    public string Open(byte[] body)
    {
        var salt = body[..16];
        var size = body[20];
        var sender = body[21..(21 + size)];
        using var other = ECDiffieHellman.Create(new ECParameters
        {
            Curve = ECCurve.NamedCurves.nistP256,
            Q = new ECPoint { X = sender[1..33], Y = sender[33..] },
        });
        using var theirs = other.PublicKey;
        var first = HMACSHA256.HashData(Auth, _key.DeriveRawSecretAgreement(theirs));
        byte[] info = [.. "WebPush: info\0"u8, .. PublicKey, .. sender, 1];
        var secret = HMACSHA256.HashData(first, info);
        var second = HMACSHA256.HashData(salt, secret);
        var key = Expand(second, "Content-Encoding: aes128gcm\0")[..16];
        var nonce = Expand(second, "Content-Encoding: nonce\0")[..12];
        var rest = body[(21 + size)..];
        var plain = new byte[rest.Length - 16];
        using var cipher = new AesGcm(key, 16);
        cipher.Decrypt(nonce, rest.AsSpan(0, plain.Length), rest.AsSpan(plain.Length), plain);
        var end = Array.FindLastIndex(plain, b => b != 0);
        return plain[end] == 2 ? Encoding.UTF8.GetString(plain, 0, end) : throw new InvalidDataException("no end of the record");
    }

    public void Dispose() => _key.Dispose();

    private static byte[] Expand(byte[] key, string info)
    {
        byte[] text = [.. Encoding.ASCII.GetBytes(info), 1];
        return HMACSHA256.HashData(key, text);
    }
}

/// <summary>A push service on a free loopback port, with a certificate that nobody else trusts.</summary>
public sealed class PushService : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly X509Certificate2 _certificate;
    private readonly ConcurrentQueue<PushReceived> _received = new();
    private readonly ConcurrentDictionary<string, PushReceiver> _receivers = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _plain = new(StringComparer.Ordinal);
    private int _requests;

    private PushService(WebApplication app, X509Certificate2 certificate) => (_app, _certificate) = (app, certificate);

    /// <summary>Like <c>https://127.0.0.1:4711</c>.</summary>
    public string Origin => _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

    public IReadOnlyList<PushReceived> Received => [.. _received];

    public int Requests => Volatile.Read(ref _requests);

    /// <summary>Answers instead of taking the message; null: it takes it.</summary>
    public Func<HttpContext, Task>? Answer { get; set; }

    /// <summary>Takes this service's certificate and no other.</summary>
    public RemoteCertificateValidationCallback Certificate
        => (_, given, _, _) => given?.GetCertHashString() == _certificate.GetCertHashString();

    public static async Task<PushService> StartAsync()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=push.test", key, HashAlgorithmName.SHA256);
        var now = TimeProvider.System.GetUtcNow();
        using var made = request.CreateSelfSigned(now.AddDays(-1), now.AddYears(1));
        var certificate = X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pfx), null);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0, l => l.UseHttps(certificate)));
        var service = new PushService(builder.Build(), certificate);
        service._app.Run(service.TakeAsync);
        await service._app.StartAsync();
        return service;
    }

    public PushReceiver Subscribe()
    {
        var path = "/push/" + Guid.CreateVersion7().ToString("N");
        return _receivers[path] = new PushReceiver(Origin + path);
    }

    /// <summary>From now on what is sent to a path is taken as it is. Gives its address.</summary>
    public string Listen(string path)
    {
        _plain[path] = true;
        return Origin + path;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _certificate.Dispose();
        foreach (var receiver in _receivers.Values)
        {
            receiver.Dispose();
        }
    }

    private async Task TakeAsync(HttpContext context)
    {
        Interlocked.Increment(ref _requests);
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        if (Answer is { } answer)
        {
            await answer(context);
            return;
        }

        var path = context.Request.Path.Value!;
        if (!_receivers.TryGetValue(path, out var receiver) && !_plain.ContainsKey(path))
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        var bytes = body.ToArray();
        _received.Enqueue(new PushReceived(
            path, context.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase), bytes,
            receiver?.Open(bytes) ?? Encoding.UTF8.GetString(bytes)));
        context.Response.StatusCode = StatusCodes.Status201Created;
    }
}
