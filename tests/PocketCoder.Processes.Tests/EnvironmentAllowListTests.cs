using PocketCoder.Processes;

namespace PocketCoder.Processes.Tests;

public sealed class EnvironmentAllowListTests
{
    private static readonly Dictionary<string, string> s_source = new()
    {
        ["PATH"] = "/bin",
        ["HOME"] = "/home/user",
        ["LC_ALL"] = "C",
        ["XDG_RUNTIME_DIR"] = "/run",
        ["AWS_SECRET_ACCESS_KEY"] = "s",
        ["PATHOLOGY"] = "x",
        ["ANTHROPIC_API_KEY"] = "k",
        ["POCKETCODER_TOKEN"] = "t",
        ["LD_PRELOAD"] = "evil.so",
        ["BASH_ENV"] = "evil.sh",
        ["SSH_AUTH_SOCK"] = "/s",
    };

    [Fact]
    public void Only_the_basic_names_pass()
        => Assert.Equal(["HOME", "LC_ALL", "PATH", "XDG_RUNTIME_DIR"],
            EnvironmentAllowList.Select(s_source).Keys.Order(StringComparer.Ordinal));

    [Fact]
    public void Named_extras_pass_with_their_star()
        => Assert.Contains("ANTHROPIC_API_KEY", EnvironmentAllowList.Select(s_source, "ANTHROPIC_*").Keys);

    [Fact]
    public void Our_own_settings_never_pass_not_even_when_named()
        => Assert.DoesNotContain("POCKETCODER_TOKEN", EnvironmentAllowList.Select(s_source, "POCKETCODER_TOKEN", "*").Keys);
}
