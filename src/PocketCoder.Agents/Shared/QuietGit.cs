namespace PocketCoder.Agents.Shared;

/// <summary>
/// Keeps a repository's own settings from running programs when an agent only asks git for its status (git-config(1),
/// <c>GIT_CONFIG_COUNT</c>).
/// </summary>
internal static class QuietGit
{
    public static IReadOnlyDictionary<string, string> Variables { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["GIT_CONFIG_COUNT"] = "2",
        ["GIT_CONFIG_KEY_0"] = "core.fsmonitor",
        ["GIT_CONFIG_VALUE_0"] = "false",
        ["GIT_CONFIG_KEY_1"] = "core.hooksPath",
        ["GIT_CONFIG_VALUE_1"] = "/dev/null",
    };
}
