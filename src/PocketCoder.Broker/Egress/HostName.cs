using System.Globalization;
using System.Net;

namespace PocketCoder.Broker.Egress;

/// <summary>
/// Host names as a proxy should take them: one spelling, no addresses (RFC 1123 §2.1, RFC 5890; the "ends in a number" rule is the URL
/// standard's).
/// </summary>
internal static class HostName
{
    private const int MaxLength = 253;
    private const int MaxLabel = 63;

    /// <summary>Accepts ASCII names only; gives them in lower case without the final dot.</summary>
    public static bool TryParse(string text, out string host)
    {
        host = "";
        if (text.Length is 0 or > MaxLength + 1)
        {
            return false;
        }

        var name = text.EndsWith('.') ? text[..^1] : text;
        if (name.Length is 0 or > MaxLength)
        {
            return false;
        }

        foreach (var label in name.Split('.'))
        {
            if (label.Length is 0 or > MaxLabel || label[0] == '-' || label[^1] == '-'
                || !label.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_'))
            {
                return false;
            }
        }

        // 127.0.0.1, 127.1, 2130706433, 0x7f.1, 0177.0.0.1 and whatever else inet_aton knows: their last label is a number.
        var last = name[(name.LastIndexOf('.') + 1)..];
        if (last.All(char.IsAsciiDigit) || last.StartsWith("0x", StringComparison.OrdinalIgnoreCase) || IPAddress.TryParse(name, out _))
        {
            return false;
        }

#pragma warning disable CA1308 // host names are lower case by custom
        host = name.ToLowerInvariant();
#pragma warning restore CA1308
        return true;
    }

    /// <summary>A name as people write it, in the form that travels; itself when it can't be converted.</summary>
    public static string ToAscii(string name)
    {
        if (name.All(char.IsAscii))
        {
            return name;
        }

        try
        {
            return new IdnMapping { UseStd3AsciiRules = true }.GetAscii(name.Normalize().ToLowerInvariant());
        }
        catch (ArgumentException)
        {
            return name; // TryParse refuses it
        }
    }

    public static bool TryParsePort(string text, out int port)
    {
        port = 0;
        return text.Length is > 0 and <= 5 && text.All(char.IsAsciiDigit) && text[0] != '0'
            && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port <= 65535;
    }
}
