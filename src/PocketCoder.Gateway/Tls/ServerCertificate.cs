using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;

namespace PocketCoder.Gateway.Tls;

/// <summary>
/// The certificate the gateway serves with. A renewed file is taken up within a minute, for new connections. Thread-safe.
/// </summary>
internal sealed partial class ServerCertificate : IDisposable
{
    private static readonly TimeSpan s_look = TimeSpan.FromMinutes(1);

    private readonly GatewayTls _files;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Lock _gate = new(); // guards the fields below
    private Served _current;
    private long _lookedAt;

    private ServerCertificate(GatewayTls files, TimeProvider time, ILogger log)
    {
        _files = files;
        _time = time;
        _log = log;
        _current = Read();
        _lookedAt = time.GetTimestamp();
        Authority = files.AuthorityFile is { } authority ? ReadAuthority(authority) : null;
    }

    /// <summary>The local CA in DER, or null.</summary>
    public byte[]? Authority { get; }

    /// <exception cref="GatewayRefusal">It can't be read, its key doesn't fit, or it has expired.</exception>
    public static ServerCertificate Load(GatewayTls files, TimeProvider time, ILogger log) => new(files, time, log);

    public SslServerAuthenticationOptions ServerOptions() => new()
    {
        ServerCertificateContext = Current().Context,
        EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        AllowRenegotiation = false,
        ApplicationProtocols = [SslApplicationProtocol.Http11],
    };

    public void Dispose() => _current.Leaf.Dispose();

    private static byte[] ReadAuthority(string file)
    {
        try
        {
            using var authority = X509CertificateLoader.LoadCertificateFromFile(file);
            return authority.RawData;
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new GatewayRefusal(RefusalReason.BadCertificate, $"The CA certificate {file} can't be read: {e.Message}", e);
        }
    }

    private Served Current()
    {
        lock (_gate)
        {
            if (_time.GetElapsedTime(_lookedAt) < s_look)
            {
                return _current;
            }

            _lookedAt = _time.GetTimestamp();
            if (File.GetLastWriteTimeUtc(_files.CertificateFile) == _current.Written)
            {
                return _current;
            }

            try
            {
                // The old one is left to the collector: handshakes may still be using it.
                _current = Read();
                var until = _current.Leaf.NotAfter.ToUniversalTime();
                LogTakenUp(_log, until);
            }
            catch (GatewayRefusal e)
            {
                LogNotTakenUp(_log, e.Message);
            }

            return _current;
        }
    }

    private Served Read()
    {
        try
        {
            var written = File.GetLastWriteTimeUtc(_files.CertificateFile);
            var chain = new X509Certificate2Collection();
            chain.ImportFromPemFile(_files.CertificateFile);
            var leaf = X509Certificate2.CreateFromPemFile(_files.CertificateFile, _files.KeyFile);
            if (OperatingSystem.IsWindows())
            {
                // Windows' TLS takes no key that only lives in memory.
                var pfx = leaf.Export(X509ContentType.Pkcs12);
                leaf.Dispose();
                leaf = X509CertificateLoader.LoadPkcs12(pfx, password: null);
            }

            if (leaf.NotAfter.ToUniversalTime() <= _time.GetUtcNow().UtcDateTime)
            {
                throw new GatewayRefusal(RefusalReason.BadCertificate,
                    $"The certificate {_files.CertificateFile} expired on {leaf.NotAfter.ToUniversalTime():yyyy-MM-dd}. Type: pocketcoder tls renew");
            }

            var rest = new X509Certificate2Collection(chain.Skip(1).ToArray());
            return new Served(leaf, SslStreamCertificateContext.Create(leaf, rest, offline: true), written);
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new GatewayRefusal(RefusalReason.BadCertificate,
                $"The certificate {_files.CertificateFile} with its key {_files.KeyFile} can't be used: {e.Message} Type: pocketcoder tls renew", e);
        }
    }

    [LoggerMessage(EventId = 2032, Level = LogLevel.Information, Message = "Took up a renewed certificate, valid until {Until:yyyy-MM-dd}")]
    private static partial void LogTakenUp(ILogger log, DateTime until);

    [LoggerMessage(EventId = 2031, Level = LogLevel.Warning, Message = "A changed certificate was not taken up: {Why}")]
    private static partial void LogNotTakenUp(ILogger log, string why);

    private sealed record Served(X509Certificate2 Leaf, SslStreamCertificateContext Context, DateTime Written);
}
