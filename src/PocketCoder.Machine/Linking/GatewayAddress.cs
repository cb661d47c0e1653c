using System.Diagnostics.CodeAnalysis;

namespace PocketCoder.Machine.Linking;

/// <summary>The address of a remote gateway as people type it.</summary>
internal static class GatewayAddress
{
    private const int MostChars = 300;

    /// <summary>
    /// <c>https://gateway.example</c>, with a port if it has another one; <c>http</c> only on loopback, since who listens in between would
    /// see which devices meet which machine. Nothing else may stand in it.
    /// </summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out Uri? gateway)
    {
        gateway = null;
        if (text is not { Length: > 0 and <= MostChars } || text.Any(c => char.IsControl(c) || char.IsWhiteSpace(c) || c == '\\')
            || !Uri.TryCreate(text, UriKind.Absolute, out var url))
        {
            return false;
        }

        var plain = url.Scheme == Uri.UriSchemeHttp && url.IsLoopback;
        if ((url.Scheme != Uri.UriSchemeHttps && !plain) || url.Host.Length == 0 || url.UserInfo.Length > 0 || url.AbsolutePath != "/"
            || url.Query.Length > 0 || url.Fragment.Length > 0)
        {
            return false;
        }

        gateway = new Uri(Text(url));
        return true;
    }

    /// <summary>Without a slash at its end.</summary>
    public static string Text(Uri gateway) => gateway.GetLeftPart(UriPartial.Authority);
}
