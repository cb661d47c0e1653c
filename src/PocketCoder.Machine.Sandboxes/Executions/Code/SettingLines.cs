namespace PocketCoder.Machine.Executions.Code;

/// <summary>One setting of a configuration file.</summary>
/// <param name="Section">Of INI and TOML: the words in brackets, without <c>tool.NAME.</c>; empty before the first.</param>
internal readonly record struct SettingLine(string Section, string Key, string Value);

/// <summary>
/// Reads settings out of INI, TOML, flat YAML, shell assignments and requirements files without knowing which it is: enough to find
/// addresses in them, too little for anything that must be exact. Never throws.
/// </summary>
internal static class SettingLines
{
    // npm and pip end a line at either; a text has at most ProjectText.MaxFile bytes, which is the bound.
    private static readonly char[] s_lineEnds = ['\n', '\r'];

    public static IEnumerable<SettingLine> Read(string text)
    {
        var (section, key) = ("", "");
        foreach (var raw in text.Split(s_lineEnds))
        {
            var line = raw.Trim();
            if (line.Length == 0 || line[0] is '#' or ';')
            {
                continue;
            }

            if (line[0] == '[' && line.TrimEnd(',').EndsWith(']') && !line.Contains("://", StringComparison.Ordinal))
            {
                (section, key) = (Plain(line.Trim('[', ']', ' ')), "");
                continue;
            }

            var end = KeyEnd(line);
            if (end > 0)
            {
                key = line[..end].Trim(' ', '"', '\'');
                yield return new SettingLine(section, key, line[(end + 1)..]);
            }
            else
            {
                yield return new SettingLine(section, key, line); // a list goes on over several lines
            }
        }
    }

    /// <summary>
    /// Where the key ends: at the first equals sign, blank or colon before a blank or an address. <c>@scope:registry=…</c> keeps its colon;
    /// 0 when there is no key.
    /// </summary>
    private static int KeyEnd(string line)
    {
        if (line[0] is '"' or '\'' && line.IndexOf("://", StringComparison.Ordinal) is > 0 and var address
            && line.IndexOf(line[0], 1) > address)
        {
            return 0; // an element of a list
        }

        for (var i = 0; i < line.Length; i++)
        {
            if (line[i] is '=' or ' ' or '\t' || (line[i] == ':' && (i + 1 == line.Length || line[i + 1] is ' ' or '\t')))
            {
                return i;
            }

            if (line.AsSpan(i).StartsWith("://"))
            {
                return 0;
            }
        }

        return 0;
    }

    private static string Plain(string section)
    {
        const string tool = "tool.";
        return section.StartsWith(tool, StringComparison.Ordinal)
            && section.IndexOf('.', tool.Length) is > 0 and var dot ? section[(dot + 1)..] : section;
    }
}
