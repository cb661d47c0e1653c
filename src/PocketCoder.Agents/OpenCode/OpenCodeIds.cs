using System.Globalization;
using System.Security.Cryptography;
using System.Text.RegularExpressions;

namespace PocketCoder.Agents.OpenCode;

/// <summary>
/// OpenCode's ids: a prefix, twelve hexadecimal digits of the time and fourteen letters by chance (as seen with 1.18.33).
/// </summary>
internal static partial class OpenCodeIds
{
    private const string Letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    /// <summary>An id for a message of ours. Messages are in the order of their ids, so it is of this moment.</summary>
    public static string Message(TimeProvider time)
    {
        var moment = (time.GetUtcNow().ToUnixTimeMilliseconds() << 12) & 0xFFFF_FFFF_FFFF;
        return string.Create(CultureInfo.InvariantCulture, $"msg_{moment:x12}{RandomNumberGenerator.GetString(Letters, 14)}");
    }

    /// <summary>Anything else could be taken for a path.</summary>
    [GeneratedRegex(@"\Ases_[A-Za-z0-9]{8,60}\z", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    public static partial Regex Session();
}
