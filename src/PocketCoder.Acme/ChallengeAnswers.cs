using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace PocketCoder.Acme;

/// <summary>
/// What the gateway's listeners answer while an authority looks whether a name leads here: HTTP-01 (RFC 8555 §8.3) and TLS-ALPN-01
/// (RFC 8737). Holds at most <see cref="AcmeOptions.MaxNames"/> of each. Thread-safe.
/// </summary>
public sealed class ChallengeAnswers(bool http, bool alpn, TimeProvider time)
{
    /// <summary>The protocol that an authority's TLS connection offers.</summary>
    public const string AlpnProtocol = "acme-tls/1";

    /// <summary>Where HTTP-01 is asked for; a token follows.</summary>
    public const string HttpPath = "/.well-known/acme-challenge/";

    private const string Http01 = "http-01";
    private const string TlsAlpn01 = "tls-alpn-01";

    /// <summary>id-pe-acmeIdentifier.</summary>
    private const string IdentifierExtension = "1.3.6.1.5.5.7.1.31";

    private readonly ConcurrentDictionary<string, string> _tokens = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, X509Certificate2> _certificates = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether a connection may be an authority's, so that looking at its first bytes is worth it.</summary>
    public bool ExpectsTls => !_certificates.IsEmpty;

    /// <summary>The body for HTTP-01, or null.</summary>
    public string? ForToken(string token) => _tokens.GetValueOrDefault(token);

    /// <summary>The certificate for TLS-ALPN-01, or null.</summary>
    public X509Certificate2? ForName(string name) => _certificates.GetValueOrDefault(name);

    /// <summary>Which of the kinds that an authority offers is answered, or null.</summary>
    internal string? Choose(IEnumerable<string> offered)
    {
        var kinds = offered.ToHashSet(StringComparer.Ordinal);
        return http && kinds.Contains(Http01) ? Http01 : alpn && kinds.Contains(TlsAlpn01) ? TlsAlpn01 : null;
    }

    /// <summary>Answers until the result is disposed.</summary>
    internal IDisposable Answer(string kind, string name, string token, string keyAuthorization)
    {
        if (kind == Http01)
        {
            _tokens[token] = keyAuthorization;
            return new Withdrawal(() => _tokens.TryRemove(token, out _));
        }

        _certificates[name] = Certificate(name, keyAuthorization);
        // Left to the collector: a handshake may still be using it.
        return new Withdrawal(() => _certificates.TryRemove(name, out _));
    }

    private X509Certificate2 Certificate(string name, string keyAuthorization)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=ACME challenge", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        byte[] digest = [0x04, SHA256.HashSizeInBytes, .. SHA256.HashData(Encoding.ASCII.GetBytes(keyAuthorization))]; // OCTET STRING
        request.CertificateExtensions.Add(new X509Extension(IdentifierExtension, digest, critical: true));
        var now = time.GetUtcNow();
        return request.CreateSelfSigned(now.AddDays(-1), now.AddDays(7));
    }

    private sealed class Withdrawal(Action end) : IDisposable
    {
        public void Dispose() => end();
    }
}
