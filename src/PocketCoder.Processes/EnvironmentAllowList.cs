using System.Collections;

namespace PocketCoder.Processes;

/// <summary>
/// Builds a child's environment from nothing: only what a program needs to find its way, and what is named.
/// The daemon's own settings (<c>POCKETCODER_*</c>) never pass, not even when named.
/// </summary>
public static class EnvironmentAllowList
{
    /// <summary>Always taken over when set. A trailing star matches any rest.</summary>
    public static IReadOnlyList<string> Basic { get; } =
        ["PATH", "HOME", "LANG", "LC_*", "TERM", "TZ", "USER", "LOGNAME", "SHELL", "TMPDIR", "XDG_*"];

    /// <summary>
    /// The allowed part of <paramref name="source"/>; <paramref name="extras"/> are further names, each with an optional trailing star.
    /// </summary>
    public static Dictionary<string, string> Select(IEnumerable<KeyValuePair<string, string>> source, params IEnumerable<string> extras)
    {
        var patterns = Basic.Concat(extras).ToList();
        return source
            .Where(v => !v.Key.StartsWith("POCKETCODER_", StringComparison.OrdinalIgnoreCase) && patterns.Exists(p => Matches(p, v.Key)))
            .ToDictionary(v => v.Key, v => v.Value, StringComparer.Ordinal);
    }

    /// <summary>The allowed part of the daemon's own environment.</summary>
    public static Dictionary<string, string> SelectFromOwn(params IEnumerable<string> extras) => Select(Own(), extras);

    /// <summary>The daemon's own environment, as it is.</summary>
    public static IEnumerable<KeyValuePair<string, string>> Own()
    {
        foreach (DictionaryEntry entry in Environment.GetEnvironmentVariables())
        {
            yield return new((string)entry.Key, (string?)entry.Value ?? "");
        }
    }

    private static bool Matches(string pattern, string name)
        => pattern.EndsWith('*') ? name.StartsWith(pattern.AsSpan(0, pattern.Length - 1), StringComparison.Ordinal) : name == pattern;
}
