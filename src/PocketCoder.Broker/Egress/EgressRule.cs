using System.Globalization;

namespace PocketCoder.Broker.Egress;

/// <summary>
/// A host or a suffix with ports: <c>example.com</c>, <c>.example.com</c> (the hosts below it, not itself), <c>example.com:443,8443</c>.
/// Without ports: 80 and 443.
/// </summary>
public sealed record EgressRule
{
    private EgressRule(string host, bool isSuffix, IReadOnlyList<int> ports)
    {
        Host = host;
        IsSuffix = isSuffix;
        Ports = ports;
    }

    /// <summary>Lower case, without dots at its ends.</summary>
    public string Host { get; }

    public bool IsSuffix { get; }

    public IReadOnlyList<int> Ports { get; }

    /// <exception cref="FormatException">Not a rule; the message says why.</exception>
    public static EgressRule Parse(string text)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        var name = colon < 0 ? text : text[..colon];
        var suffix = name.StartsWith('.');
        if (!HostName.TryParse(HostName.ToAscii(suffix ? name[1..] : name), out var host))
        {
            throw new FormatException(
                $"'{text}' is not a host; write example.com, .example.com or example.com:443 (addresses are not allowed)");
        }

        if (suffix && !host.Contains('.', StringComparison.Ordinal))
        {
            throw new FormatException($"'{text}' would allow a whole top-level domain");
        }

        int[] ports = colon < 0 ? [80, 443] : [.. text[(colon + 1)..].Split(',')
            .Select(p => HostName.TryParsePort(p, out var port) ? port : throw new FormatException($"'{text}' has an invalid port"))];
        return new EgressRule(host, suffix, ports);
    }

    public bool Matches(string host, int port)
        => Ports.Contains(port) && (IsSuffix ? host.Length > Host.Length + 1 && host.EndsWith(Host, StringComparison.Ordinal)
            && host[host.Length - Host.Length - 1] == '.' : host == Host);

    public override string ToString()
        => $"{(IsSuffix ? "." : "")}{Host}:{string.Join(',', Ports.Select(p => p.ToString(CultureInfo.InvariantCulture)))}";
}
