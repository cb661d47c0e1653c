namespace PocketCoder.Agents.Claude;

/// <summary>The permission modes we let the program be in. All the others decide without a human.</summary>
internal static class ClaudeModes
{
    public const string Default = "default";

    /// <summary>
    /// <c>acceptEdits</c> is not offered: the hook asks for edits there too, so it would promise what it does not do. It is known because a
    /// plan may end in it.
    /// </summary>
    public static IReadOnlyList<string> Offered { get; } = [Default, "plan"];

    public static IReadOnlyList<string> Known { get; } = [.. Offered, "acceptEdits"];

    /// <exception cref="ArgumentException">Not a mode we let it be in.</exception>
    public static string Checked(string mode)
        => Known.Contains(mode, StringComparer.Ordinal) ? mode
            : throw new ArgumentException($"{mode} is no mode of Claude Code here.", nameof(mode));
}
