using System.Globalization;

namespace PocketCoder.Machine.Executions;

/// <summary>
/// Settings by which the git of a command runs less than the repository's configuration says (git-config(1), <c>GIT_CONFIG_COUNT</c>). A
/// command that was allowed can unset them; they keep what only looks from running something by the way.
/// </summary>
public static class GitEnvironment
{
    /// <summary>For every command: no file system monitor. Without one git only looks itself.</summary>
    public static IReadOnlyDictionary<string, string> Always { get; } = Of(("core.fsmonitor", "false"));

    /// <summary>For every command in a worktree: git does not tidy up the repository that it shares with others by the way.</summary>
    public static IReadOnlyDictionary<string, string> InWorktree { get; } = Of(
        ("core.fsmonitor", "false"), ("gc.auto", "0"), ("maintenance.auto", "false"));

    /// <summary>
    /// For a command that was shown as one that only reads: no hook (post-index-change), pager, editor or signature program, nothing
    /// written or fetched.
    /// </summary>
    public static IReadOnlyDictionary<string, string> Reading { get; } = With(
        Of(
            ("core.fsmonitor", "false"), ("core.hooksPath", "/dev/null"), ("core.pager", "cat"), ("diff.autoRefreshIndex", "false"),
            ("log.showSignature", "false"), ("gpg.program", "false"),
            ("gpg.ssh.program", "false"), ("gpg.x509.program", "false"), ("credential.helper", ""), ("core.sshCommand", "false"),
            ("core.gitProxy", "none"), ("core.askPass", "")),
        new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["GIT_OPTIONAL_LOCKS"] = "0",
            ["GIT_NO_LAZY_FETCH"] = "1",
            ["GIT_PAGER"] = "cat",
            ["GIT_EDITOR"] = ":",
            ["GIT_SEQUENCE_EDITOR"] = ":",
            ["GIT_TERMINAL_PROMPT"] = "0",
        });

    public static IReadOnlyDictionary<string, string> With(
        IReadOnlyDictionary<string, string> first, IReadOnlyDictionary<string, string> then)
    {
        var both = new Dictionary<string, string>(first, StringComparer.Ordinal);
        foreach (var (name, value) in then)
        {
            both[name] = value;
        }

        return both;
    }

    private static Dictionary<string, string> Of(params (string Key, string Value)[] settings)
    {
        var environment = new Dictionary<string, string>(StringComparer.Ordinal)
        { ["GIT_CONFIG_COUNT"] = settings.Length.ToString(CultureInfo.InvariantCulture) };
        for (var i = 0; i < settings.Length; i++)
        {
            environment[string.Create(CultureInfo.InvariantCulture, $"GIT_CONFIG_KEY_{i}")] = settings[i].Key;
            environment[string.Create(CultureInfo.InvariantCulture, $"GIT_CONFIG_VALUE_{i}")] = settings[i].Value;
        }

        return environment;
    }
}
