using System.Globalization;
using System.Text;

namespace PocketCoder.Broker.Egress;

/// <summary>The request can't be carried; the message is for the client.</summary>
internal sealed class BadRequestException(string message) : Exception(message);

/// <summary>How long a request's body is.</summary>
/// <param name="Length">Null: chunked.</param>
internal readonly record struct BodyLength(long? Length);

/// <summary>
/// The head of a proxy request (RFC 9112), read strictly: anything that two parsers could read in two ways is refused, so that nothing is
/// smuggled.
/// </summary>
internal sealed record RequestHead(
    string Method, string Host, int Port, string Path, BodyLength Body, IReadOnlyList<(string Name, string Value)> Headers)
{
    public const int MaxBytes = 8 * 1024;

    private static readonly HashSet<string> s_methods = new(StringComparer.Ordinal)
        { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS" };

    // Between two neighbours only (RFC 9110 §7.6.1), and what is meant for this proxy.
    private static readonly HashSet<string> s_hopByHop = new(StringComparer.OrdinalIgnoreCase)
    {
        "Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authorization", "Proxy-Authenticate", "TE", "Trailer", "Upgrade", "Expect",
        "HTTP2-Settings", "Forwarded", "X-Forwarded-For", "Via", "Host", "Content-Length", "Transfer-Encoding",
    };

    public bool IsTunnel => Method == "CONNECT";

    /// <param name="bytes">Up to and with the empty line.</param>
    /// <exception cref="BadRequestException">Not a request that this proxy carries.</exception>
    public static RequestHead Parse(ReadOnlySpan<byte> bytes)
    {
        foreach (var b in bytes)
        {
            if (b is >= 0x7F or (< 0x20 and not (byte)'\r' and not (byte)'\n' and not (byte)'\t'))
            {
                throw new BadRequestException("the request's head contains invalid bytes");
            }
        }

        var lines = Encoding.ASCII.GetString(bytes).Split("\r\n");
        if (lines.Length < 3 || lines[^1].Length > 0 || lines[^2].Length > 0 || lines.Any(l => l.AsSpan().ContainsAny('\r', '\n')))
        {
            throw new BadRequestException("a line in the request's head ends incorrectly");
        }

        var parts = lines[0].Split(' ');
        if (parts.Length != 3 || parts[2] is not ("HTTP/1.1" or "HTTP/1.0"))
        {
            throw new BadRequestException("the request line is malformed");
        }

        var headers = Headers_(lines.AsSpan(1, lines.Length - 3));
        return parts[0] == "CONNECT" ? Tunnel(parts[1], headers, parts[2]) : Plain(parts[0], parts[1], headers, parts[2]);
    }

    /// <summary>The head as it goes to the server: origin form, one request a connection.</summary>
    public byte[] ToOrigin()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{Method} {Path} HTTP/1.1\r\nHost: {Host}{(Port == 80 ? "" : $":{Port}")}\r\n");
        var nominated = Headers.Where(h => Is(h.Name, "Connection")).SelectMany(h => h.Value.Split(',', StringSplitOptions.TrimEntries))
            .ToHashSet(StringComparer.OrdinalIgnoreCase);
        foreach (var (name, value) in Headers)
        {
            if (!s_hopByHop.Contains(name) && !nominated.Contains(name))
            {
                text.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
            }
        }

        text.Append(Body.Length switch
        {
            null => "Transfer-Encoding: chunked\r\n",
            0 => Method is "POST" or "PUT" or "PATCH" ? "Content-Length: 0\r\n" : "",
            var n => $"Content-Length: {n}\r\n"
        });
        return Encoding.ASCII.GetBytes(text.Append("Connection: close\r\n\r\n").ToString());
    }

    private static List<(string, string)> Headers_(ReadOnlySpan<string> lines)
    {
        var headers = new List<(string, string)>();
        foreach (var line in lines)
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0 || !line[..colon].All(IsTokenCharacter))
            {
                throw new BadRequestException("a header is malformed"); // folded lines and spaces before the colon too
            }

            headers.Add((line[..colon], line[(colon + 1)..].Trim(' ', '\t')));
        }

        return headers.Count <= 64 ? headers : throw new BadRequestException("too many headers");
    }

    private static RequestHead Tunnel(string target, List<(string Name, string Value)> headers, string version)
    {
        var (host, port) = Authority(target, defaultPort: null);
        CheckHost(headers, host, port, 443, version);
        if (headers.Any(h => Is(h.Name, "Content-Length") || Is(h.Name, "Transfer-Encoding")))
        {
            throw new BadRequestException("CONNECT takes no body");
        }

        return new RequestHead("CONNECT", host, port, "", new BodyLength(0), headers);
    }

    private static RequestHead Plain(string method, string target, List<(string Name, string Value)> headers, string version)
    {
        if (!s_methods.Contains(method))
        {
            throw new BadRequestException("this method is not supported");
        }

        if (!target.StartsWith("http://", StringComparison.OrdinalIgnoreCase))
        {
            throw new BadRequestException("the address must be http://host/… or use CONNECT");
        }

        var rest = target["http://".Length..];
        var end = rest.AsSpan().IndexOfAny("/?#\\");
        var (host, port) = Authority(end < 0 ? rest : rest[..end], defaultPort: 80);
        var path = end < 0 ? "/" : rest[end] == '/' ? rest[end..] : rest[end] == '?' ? "/" + rest[end..]
            : throw new BadRequestException("the address is malformed");
        if (path.AsSpan().ContainsAny('#', '\\'))
        {
            throw new BadRequestException("the address is malformed");
        }

        CheckHost(headers, host, port, 80, version);
        return new RequestHead(method, host, port, path, Length(headers), headers);
    }

    private static (string Host, int Port) Authority(string text, int? defaultPort)
    {
        var colon = text.LastIndexOf(':');
        var name = colon < 0 ? text : text[..colon];
        var port = defaultPort ?? 0;
        if (colon >= 0 ? !HostName.TryParsePort(text[(colon + 1)..], out port) : defaultPort is null)
        {
            throw new BadRequestException("the port is missing or invalid");
        }

        return HostName.TryParse(name, out var host) ? (host, port)
            : throw new BadRequestException("the host is not a name (addresses are not supported)");
    }

    private static void CheckHost(List<(string Name, string Value)> headers, string host, int port, int defaultPort, string version)
    {
        var hosts = headers.Where(h => Is(h.Name, "Host")).Select(h => h.Value).ToList();
        if (hosts.Count > 1 || (hosts.Count == 0 && version == "HTTP/1.1"))
        {
            throw new BadRequestException("there must be exactly one Host header");
        }

        // CONNECT clients leave the port out, or write the default one.
        if (hosts.Count == 1 && Authority(hosts[0], hosts[0].Contains(':', StringComparison.Ordinal) ? null : defaultPort) is var named
            && (named.Host != host || (named.Port != port && hosts[0].Contains(':', StringComparison.Ordinal))))
        {
            throw new BadRequestException("the Host header and the address name different hosts");
        }
    }

    private static BodyLength Length(List<(string Name, string Value)> headers)
    {
        var lengths = headers.Where(h => Is(h.Name, "Content-Length")).Select(h => h.Value).ToList();
        var encodings = headers.Where(h => Is(h.Name, "Transfer-Encoding")).Select(h => h.Value).ToList();
        if (lengths.Count + encodings.Count > 1)
        {
            throw new BadRequestException("the body's length is given twice");
        }

        if (encodings.Count == 1)
        {
            return Is(encodings[0], "chunked") ? new BodyLength(null)
                : throw new BadRequestException("this transfer encoding is not supported");
        }

        if (lengths.Count == 0)
        {
            return new BodyLength(0);
        }

        return lengths[0].Length is > 0 and <= 18 && lengths[0].All(char.IsAsciiDigit)
            ? new BodyLength(long.Parse(lengths[0], CultureInfo.InvariantCulture))
            : throw new BadRequestException("the body's length is malformed");
    }

    private static bool Is(string a, string b) => a.Equals(b, StringComparison.OrdinalIgnoreCase);

    private static bool IsTokenCharacter(char c) => char.IsAsciiLetterOrDigit(c) || "!#$%&'*+-.^_`|~".Contains(c, StringComparison.Ordinal);
}
