using System.Net;
using System.Net.Sockets;
using PocketCoder.Agents;

namespace PocketCoder.Machine.Models;

/// <summary>
/// The base URL of a provider, as the libraries of its dialect take it: for OpenAI's it ends before <c>/chat/completions</c> or
/// <c>/responses</c>, so mostly in <c>/v1</c>; for Anthropic's before <c>/v1/messages</c>, for Gemini's before <c>/v1beta/models</c>.
/// <c>https</c> anywhere; <c>http</c>, in which a key and every prompt can be read on the way, only on this computer and at addresses of a
/// private network, as written: a name could lead elsewhere. Pure.
/// </summary>
public static class ProviderAddress
{
    public const int Longest = 500;

    private static readonly IPNetwork[] s_private =
    [
        .. ((string[])["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"]).Select(IPNetwork.Parse),
    ];

    /// <summary>Why it is none, as a sentence for people; null: it is one.</summary>
    public static string? Problem(string text, ProviderDialect dialect)
    {
        if (text.Length is 0 or > Longest || text.Any(c => c is <= ' ' or > '~' or '\\' or '"' or '%')
            || !Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Scheme is not ("https" or "http") || url.Host.Length == 0)
        {
            return $"The address must begin with https:// (or http:// on a private network) and have at most {Longest} plain characters.";
        }

        if (url.UserInfo.Length > 0 || text.AsSpan().ContainsAny("@?#"))
        {
            return "The address must have no user name, password, query or fragment.";
        }

        if (url.Scheme == Uri.UriSchemeHttp && !IsPrivate(url))
        {
            return "Over http:// only this computer and addresses of a private network can be asked, such as http://127.0.0.1:11434/v1 or http://192.168.1.20:8000/v1. A name needs https://.";
        }

        return Ending(url, dialect) is { } end ? $"Leave {end} off: it is appended to the address." : null;
    }

    /// <returns>Without a final slash; null: it is none.</returns>
    public static Uri? Of(string text, ProviderDialect dialect) => Problem(text, dialect) is null ? new Uri(text.TrimEnd('/')) : null;

    /// <summary>Whether a key for the one may go to the other: scheme, host and port are the same.</summary>
    public static bool IsSameOrigin(string one, string other)
        => Uri.TryCreate(one, UriKind.Absolute, out var a) && Uri.TryCreate(other, UriKind.Absolute, out var b)
            && Uri.Compare(a, b, UriComponents.SchemeAndServer, UriFormat.SafeUnescaped, StringComparison.OrdinalIgnoreCase) == 0;

    /// <summary>What of the path is appended anyway: with it there, it would stand twice.</summary>
    private static string? Ending(Uri url, ProviderDialect dialect)
    {
        var path = url.AbsolutePath.TrimEnd('/');
        string[] ends = dialect switch
        {
            ProviderDialect.Anthropic => ["/v1", "/v1/messages"],
            ProviderDialect.Gemini => ["/v1", "/v1beta", "/v1beta/models"],
            ProviderDialect.OpenaiChat => ["/chat/completions"],
            _ => ["/responses"],
        };
        return ends.FirstOrDefault(e => path.EndsWith(e, StringComparison.Ordinal));
    }

    private static bool IsPrivate(Uri url)
    {
        if (url.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase))
        {
            return true;
        }

        if (!IPAddress.TryParse(url.DnsSafeHost, out var ip))
        {
            return false;
        }

        ip = ip.IsIPv4MappedToIPv6 ? ip.MapToIPv4() : ip;
        return IPAddress.IsLoopback(ip)
            || (ip.AddressFamily is AddressFamily.InterNetwork or AddressFamily.InterNetworkV6 && s_private.Any(n => n.Contains(ip)));
    }
}
