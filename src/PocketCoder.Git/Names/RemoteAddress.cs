using System.Globalization;

namespace PocketCoder.Git;

/// <summary>
/// Where a remote is, taken apart: only what the machine itself connects to. A repository's configuration is untrusted, so nothing of it
/// reaches a program but these parts, each checked. Pure.
/// </summary>
/// <param name="User">Null: whom ssh's own configuration says.</param>
/// <param name="Port">Null: the usual one.</param>
/// <param name="Path">On the other machine, as it is given there.</param>
/// <param name="Https">By HTTPS; else by ssh.</param>
public sealed record RemoteAddress(string? User, string Host, int? Port, string Path, bool Https = false)
{
    private const int LongestPath = 1024;
    private const int LongestName = 253;
    private const string HttpsLead = "https://";

    /// <summary>Dots, slashes, backslashes and percent signs that don't look like what they are.</summary>
    private static readonly string[] s_hidden = ["%00", "%2e", "%2f", "%5c", "%25"];

    /// <summary>As people read it, and as approvals name it.</summary>
    public string Url => Https ? $"https://{(User is null ? "" : User + "@")}{Place}{Path}"
        : $"ssh://{(User is null ? "" : User + "@")}{(Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]" : Host)}{(Port is { } port ? string.Create(CultureInfo.InvariantCulture, $":{port}") : "")}{(Path.StartsWith('/') ? "" : "/~/")}{Path}";

    /// <summary>Host and, where it is not the usual one, port.</summary>
    public string Place => Port is { } port ? string.Create(CultureInfo.InvariantCulture, $"{Host}:{port}") : Host;

    /// <summary>
    /// The secret that is the token for its host: <c>git-token.HOST</c>, with a port <c>git-token.HOST_PORT</c>. Null: tokens are not used
    /// there.
    /// </summary>
    public string? TokenName => Https ? TokenPrefix + Place.Replace(':', '_') : null;

    public const string TokenPrefix = "git-token.";

    /// <summary>Reads <c>https://user@host:port/path</c>, <c>ssh://user@host:port/path</c> and <c>user@host:path</c>.</summary>
    /// <exception cref="GitException">InvalidName: another protocol, or a part that can't be.</exception>
    public static RemoteAddress Parse(string url)
    {
        if (url.StartsWith(HttpsLead, StringComparison.OrdinalIgnoreCase))
        {
            return OfHttps(url[HttpsLead.Length..]);
        }

        string place, path;
        int? port = null;
        foreach (var lead in (string[])["ssh://", "git+ssh://", "ssh+git://"])
        {
            if (url.StartsWith(lead, StringComparison.OrdinalIgnoreCase))
            {
                var rest = url[lead.Length..];
                var slash = rest.IndexOf('/', StringComparison.Ordinal);
                if (slash < 0)
                {
                    throw Bad("has no path");
                }

                (place, path) = (rest[..slash], rest[slash..]);
                if (path.StartsWith("/~", StringComparison.Ordinal))
                {
                    path = path[1..];
                    path = path.StartsWith("~/", StringComparison.Ordinal) ? path[2..] : throw Bad("names another user's home");
                }

                var at = place.LastIndexOf('@');
                var colon = place.LastIndexOf(':');
                if (colon > at && !place.EndsWith(']'))
                {
                    port = int.TryParse(place.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                        && number is > 0 and < 65536 ? number : throw Bad("has an invalid port");
                    place = place[..colon];
                }

                return Of(place, port, path);
            }
        }

        // scp's way of writing: the first colon before any slash
        var end = url.IndexOf(':', StringComparison.Ordinal);
        if (url.Contains("::", StringComparison.Ordinal) || url.Contains("://", StringComparison.Ordinal) || end <= 0
            || url.AsSpan(0, end).Contains('/'))
        {
            throw new GitException(GitError.InvalidName,
                "The machine reaches remotes only by https and ssh (https://host/path, ssh://user@host/path or user@host:path).");
        }

        return Of(url[..end], null, url[(end + 1)..]);

        static RemoteAddress Of(string place, int? port, string path)
        {
            var at = place.LastIndexOf('@');
            var user = at < 0 ? null : place[..at];
            var host = place[(at + 1)..];
            if (host.StartsWith('[') && host.EndsWith(']'))
            {
                host = host[1..^1];
                if (!System.Net.IPAddress.TryParse(host, out var address)
                    || address.AddressFamily != System.Net.Sockets.AddressFamily.InterNetworkV6)
                {
                    throw Bad("has an invalid host");
                }
            }
            else if (!IsPlain(host))
            {
                throw Bad("has an invalid host");
            }

            return user is not null && !IsPlain(user) ? throw Bad("has an invalid user")
                : path.Length is 0 or > LongestPath || path[0] == '-'
                    || path.Any(c => char.IsControl(c) || char.IsSurrogate(c)) ? throw Bad("has an invalid path")
                : new RemoteAddress(user, host, port, path);
        }

    }

    /// <summary>Hosts are names: an address is nobody whom a certificate or a person could vouch for.</summary>
    private static RemoteAddress OfHttps(string rest)
    {
        var slash = rest.IndexOf('/', StringComparison.Ordinal);
        var (place, path) = slash < 0 ? throw Bad("has no path") : (rest[..slash], rest[slash..]);
        var at = place.LastIndexOf('@');
        var user = at < 0 ? null : place[..at];
        var host = place[(at + 1)..];
        int? port = null;
        if (host.LastIndexOf(':') is var colon and >= 0)
        {
            port = int.TryParse(host.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                && number is > 0 and < 65536 ? number : throw Bad("has an invalid port");
            host = host[..colon];
        }

        return user is not null && user.Contains(':', StringComparison.Ordinal)
            ? throw Bad("contains a password. Remove it and store a token: pocketcoder git-token set HOST")
            : user is not null && !IsPlain(user) ? throw Bad("has an invalid user")
            : !IsName(host) ? throw Bad("has an invalid host")
            : !IsWay(path) ? throw Bad("has an invalid path")
            : new RemoteAddress(user, Lower(host), port == 443 ? null : port, path, Https: true);
    }

    /// <summary>What stands for itself in a URL: nothing that could be read as another path than it looks like.</summary>
    private static bool IsWay(string path)
        => path.Length is >= 2 and <= LongestPath
            && !path.Any(c => c is <= ' ' or > '~' or '?' or '#' or '\\' or '"' or '<' or '>')
            && !s_hidden.Any(h => path.Contains(h, StringComparison.OrdinalIgnoreCase))
            && path.TrimEnd('/').Split('/').Skip(1).All(p => p is not ("" or "." or ".."));

    private static string Lower(string host) => string.Create(host.Length, host, static (to, from) => from.AsSpan().ToLowerInvariant(to));

    private static GitException Bad(string why) => new(GitError.InvalidName, $"The remote's address {why}.");

    private static bool IsName(string host)
        => IsPlain(host) && !host.Contains('_', StringComparison.Ordinal)
            && host.Split('.').All(l => l.Length is > 0 and < 64 && l[0] != '-' && l[^1] != '-')
            && host[(host.LastIndexOf('.') + 1)..] is var last && !last.All(char.IsAsciiDigit)
            && !last.StartsWith("0x", StringComparison.OrdinalIgnoreCase);

    /// <summary>Why the machine does not talk to it; null when it can.</summary>
    public static string? Problem(string url)
    {
        try
        {
            Parse(url);
            return null;
        }
        catch (GitException e)
        {
            return e.Message;
        }
    }

    /// <summary>The address without what stands between a user's name and the @.</summary>
    public static string WithoutPassword(string url)
    {
        var begin = url.IndexOf("://", StringComparison.Ordinal);
        if (begin < 0)
        {
            return url;
        }

        var slash = url.IndexOf('/', begin + 3);
        var place = slash < 0 ? url[(begin + 3)..] : url[(begin + 3)..slash];
        var at = place.LastIndexOf('@');
        var colon = at < 0 ? -1 : place.IndexOf(':', StringComparison.Ordinal);
        return colon < 0 || colon > at ? url : $"{url[..(begin + 3)]}{place[..colon]}{place[at..]}{(slash < 0 ? "" : url[slash..])}";
    }

    private static bool IsPlain(string name) => name.Length is > 0 and <= LongestName && name[0] != '-'
        && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_');
}
