using System.Text.RegularExpressions;

namespace PocketCoder.Machine.Executions.Code;

/// <summary>
/// The usual ways of a shell script to name the folder that it lies in: <c>$(dirname "$0")</c>, <c>$(cd "$(dirname "${BASH_SOURCE[0]}")"
/// &amp;&amp; pwd)</c>, <c>${0%/*}</c>, and a variable of that value.
/// </summary>
internal static partial class OwnFolder
{
    /// <summary>The script's text with its own folder written out.</summary>
    /// <param name="folder">Absolute. Of a name with unusual characters nothing is replaced: it would have to be quoted differently at each
    /// place.</param>
    public static string Resolve(string text, string folder)
    {
        if (!Plain().IsMatch(folder) || !text.Contains('$', StringComparison.Ordinal))
        {
            return text;
        }

        text = Expression().Replace(text, folder);
        foreach (var name in Assignment().Matches(text).Where(m => m.Groups["value"].Value == folder).Select(m => m.Groups["name"].Value)
            .Distinct(StringComparer.Ordinal).Take(4).ToList())
        {
            text = Regex.Replace(text, $@"\$(?:{name}(?![A-Za-z0-9_])|\{{{name}\}})", folder, RegexOptions.None, TimeSpan.FromSeconds(1));
        }

        return text;
    }

    [GeneratedRegex("^[A-Za-z0-9_./-]+$", RegexOptions.NonBacktracking)]
    private static partial Regex Plain();

    [GeneratedRegex("""
        \$\(\s*cd\s+(--\s+)?"?\$\(\s*dirname\s+(--\s+)?"?\$(0|\{0\}|BASH_SOURCE|\{BASH_SOURCE(\[0\])?(:-\$0)?\})"?\s*\)"?\s*(>\s*/dev/null\s*(2>&1\s*)?)?(&&|;)\s*pwd(\s+-P)?\s*\)|\$\(\s*dirname\s+(--\s+)?"?\$(0|\{0\}|BASH_SOURCE|\{BASH_SOURCE(\[0\])?(:-\$0)?\})"?\s*\)|`dirname\s+(--\s+)?"?\$(0|\{0\}|BASH_SOURCE|\{BASH_SOURCE(\[0\])?(:-\$0)?\})"?\s*`|\$\{0%/\*\}
        """, RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Expression();

    [GeneratedRegex("^[ \\t]*(readonly |local |export |declare )?(?<name>[A-Za-z_][A-Za-z0-9_]*)=\"?(?<value>[A-Za-z0-9_./-]+)\"?[ \\t]*;?[ \\t]*\\r?$",
        RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture | RegexOptions.Multiline)]
    private static partial Regex Assignment();
}
