using System.Formats.Asn1;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using PocketCoder.Gateway.Hosting;

namespace PocketCoder.Gateway.Tls;

/// <summary>A certificate with its key, as PEM text.</summary>
public sealed record PemPair(string Certificate, string Key);

/// <summary>
/// A certificate authority for one machine and its own names, so that phones can trust a gateway at home (RFC 5280). The CA is
/// constrained to those names and to private addresses: a stolen CA key can't speak for the rest of the internet. Touches no file.
/// Thread-safe.
/// </summary>
public static class LocalAuthority
{
    /// <summary>How long a CA lasts: phones are told to trust it once.</summary>
    public static readonly TimeSpan AuthorityLife = TimeSpan.FromDays(3652);

    /// <summary>How long a server certificate lasts; Apple refuses more than 398 days for public ones and may for others.</summary>
    public static readonly TimeSpan LeafLife = TimeSpan.FromDays(397);

    // A clock that is a little behind must not see a certificate from the future.
    private static readonly TimeSpan s_clockSkew = TimeSpan.FromHours(1);

    private static readonly string[] s_privateDomains = ["local", "localhost", "home.arpa", "internal", "lan", "ts.net"];

    private static readonly (string Address, int Bits)[] s_privateNetworks =
    [
        ("10.0.0.0", 8), ("172.16.0.0", 12), ("192.168.0.0", 16), ("169.254.0.0", 16), ("100.64.0.0", 10), ("127.0.0.0", 8), ("fc00::", 7),
        ("fe80::", 10), ("::1", 128),
    ];

    /// <summary>The names this computer goes by without being told: host name, host name.local, localhost, and its addresses.</summary>
    public static IReadOnlyList<string> OwnNames()
    {
        var host = Dns.GetHostName().ToLowerInvariant();
        var addresses = NetworkInterface.GetAllNetworkInterfaces()
            .Where(i => i.OperationalStatus == OperationalStatus.Up)
            .SelectMany(i => i.GetIPProperties().UnicastAddresses)
            .Select(a => a.Address)
            .Where(a => a.AddressFamily is AddressFamily.InterNetwork or AddressFamily.InterNetworkV6 && !a.IsIPv6LinkLocal)
            .Select(Authority.HostOf);
        return [.. new[] { host, host.Contains('.', StringComparison.Ordinal) ? host : $"{host}.local", "localhost" }.Where(
            n => Authority.TryParse(n, out _)).Concat(addresses).Distinct(StringComparer.Ordinal)];
    }

    /// <param name="names">Host names and addresses; ports are not part of a certificate.</param>
    /// <exception cref="GatewayRefusal">A name is none.</exception>
    public static PemPair CreateAuthority(string machineName, IReadOnlyList<string> names, DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(Name($"PocketCoder CA of {machineName}"), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(
            certificateAuthority: true, hasPathLengthConstraint: true, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        request.CertificateExtensions.Add(NameConstraints(names.Select(Parse)));
        using var certificate = request.CreateSelfSigned(now - s_clockSkew, now + AuthorityLife);
        return new PemPair(certificate.ExportCertificatePem() + "\n", key.ExportPkcs8PrivateKeyPem() + "\n");
    }

    /// <summary>A server certificate for these names, followed by nothing: clients trust the CA itself.</summary>
    /// <exception cref="GatewayRefusal">A name is none, or the CA may not speak for it.</exception>
    public static PemPair Issue(PemPair authority, IReadOnlyList<string> names, DateTimeOffset now)
    {
        using var ca = X509Certificate2.CreateFromPem(authority.Certificate, authority.Key);
        var hosts = names.Select(Parse).ToList();
        if (hosts.Find(h => !Covers(ca, h)) is { Host: not null } foreign)
        {
            throw new GatewayRefusal(
                RefusalReason.BadCertificate,
                $"The CA was made without the name {foreign.Host} and can't speak for it. Make a new one, which phones must trust anew: pocketcoder tls init --force --name {foreign.Host}");
        }

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(Name(hosts[0].Host), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(
            certificateAuthority: false, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        // server authentication
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], critical: false));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        request.CertificateExtensions.Add(
            X509AuthorityKeyIdentifierExtension.CreateFromCertificate(ca, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        var alternatives = new SubjectAlternativeNameBuilder();
        foreach (var host in hosts.DistinctBy(h => h.Host, StringComparer.Ordinal))
        {
            if (host.IsAddress(out var address))
            {
                alternatives.AddIpAddress(address);
            }
            else
            {
                alternatives.AddDnsName(host.Host);
            }
        }

        request.CertificateExtensions.Add(alternatives.Build());
        var (begin, end) = (new DateTimeOffset(ca.NotBefore.ToUniversalTime(), TimeSpan.Zero),
            new DateTimeOffset(ca.NotAfter.ToUniversalTime(), TimeSpan.Zero));
        var from = now - s_clockSkew > begin ? now - s_clockSkew : begin;
        var until = now + LeafLife < end ? now + LeafLife : end;
        using var certificate = request.Create(ca, from, until, RandomNumberGenerator.GetBytes(16));
        return new PemPair(certificate.ExportCertificatePem() + "\n", key.ExportPkcs8PrivateKeyPem() + "\n");
    }

    /// <summary>The names in a certificate, as clients ask for them.</summary>
    public static IReadOnlyList<string> NamesOf(X509Certificate2 certificate)
    {
        var alternatives = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().FirstOrDefault();
        return alternatives is null ? []
            : [.. alternatives.EnumerateDnsNames(), .. alternatives.EnumerateIPAddresses().Select(Authority.HostOf)];
    }

    private static Authority Parse(string name)
        => Authority.TryParse(name, out var host) && host.Port is null
            ? host
            : throw new GatewayRefusal(
                RefusalReason.BadOption, $"'{name}' is no host name or address. Give it without scheme, port or path.");

    private static X500DistinguishedName Name(string common)
    {
        var builder = new X500DistinguishedNameBuilder();
        builder.AddCommonName(common.Length > 64 ? common[..64] : common); // ub-common-name
        return builder.Build();
    }

    private static X509Extension NameConstraints(IEnumerable<Authority> names)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        using (writer.PushSequence(new Asn1Tag(TagClass.ContextSpecific, 0))) // permittedSubtrees
        {
            var hosts = names.ToList();
            foreach (var domain in s_privateDomains.Concat(hosts.Where(h => !h.IsAddress(out _)).Select(h => h.Host))
                .Distinct(StringComparer.Ordinal))
            {
                using (writer.PushSequence())
                {
                    writer.WriteCharacterString(UniversalTagNumber.IA5String, domain, new Asn1Tag(TagClass.ContextSpecific, 2));
                }
            }

            foreach (var (address, bits) in s_privateNetworks)
            {
                WriteNetwork(writer, IPAddress.Parse(address), bits);
            }

            foreach (var host in hosts)
            {
                if (host.IsAddress(out var address) && !s_privateNetworks.Any(n => Contains(n.Address, n.Bits, address)))
                {
                    WriteNetwork(writer, address, address.GetAddressBytes().Length * 8);
                }
            }
        }

        return new X509Extension("2.5.29.30", writer.Encode(), critical: true);
    }

    private static bool Contains(string network, int bits, IPAddress address)
        => new IPNetwork(IPAddress.Parse(network), bits).Contains(address);

    private static void WriteNetwork(AsnWriter writer, IPAddress address, int bits)
    {
        var bytes = address.GetAddressBytes();
        var mask = new byte[bytes.Length];
        for (var i = 0; i < bits; i++)
        {
            mask[i / 8] |= (byte)(0x80 >> (i % 8));
        }

        using (writer.PushSequence())
        {
            writer.WriteOctetString([.. bytes, .. mask], new Asn1Tag(TagClass.ContextSpecific, 7));
        }
    }

    private static bool Covers(X509Certificate2 ca, Authority host)
    {
        if (ca.Extensions["2.5.29.30"] is not { } extension)
        {
            return true; // somebody else's CA, without constraints
        }

        var permitted = new AsnReader(extension.RawData, AsnEncodingRules.DER).ReadSequence()
            .ReadSequence(new Asn1Tag(TagClass.ContextSpecific, 0));
        while (permitted.HasData)
        {
            var tree = permitted.ReadSequence();
            var tag = tree.PeekTag();
            if (tag.TagValue == 2)
            {
                var domain = tree.ReadCharacterString(UniversalTagNumber.IA5String, tag);
                if (!host.IsAddress(out _) && (host.Host == domain || host.Host.EndsWith("." + domain, StringComparison.Ordinal)))
                {
                    return true;
                }
            }
            else if (tag.TagValue == 7)
            {
                var network = tree.ReadOctetString(tag);
                if (host.IsAddress(out var address) && address.GetAddressBytes() is var bytes && bytes.Length * 2 == network.Length
                    && bytes.Select((b, i) => (b & network[bytes.Length + i]) == network[i]).All(same => same))
                {
                    return true;
                }
            }
        }

        return false;
    }
}
