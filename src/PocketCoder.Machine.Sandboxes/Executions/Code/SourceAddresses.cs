using System.Text.RegularExpressions;

namespace PocketCoder.Machine.Executions.Code;

/// <summary>
/// The hosts of the addresses in a text: <c>sparse+https://user:secret@host:8443/index</c> gives <c>host:8443</c>. Never a user name or a
/// password.
/// </summary>
internal static partial class SourceAddresses
{
    public static IEnumerable<string> Hosts(string text)
        => Address().Matches(text).Select(m => m.Groups["authority"].Value).Select(a => a[(a.LastIndexOf('@') + 1)..])
            .Where(h => h.Length > 0);

    [GeneratedRegex("""[A-Za-z][A-Za-z0-9+.-]*://(?<authority>[^/?#\\\s"',|\]<>]+)""",
        RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Address();
}
