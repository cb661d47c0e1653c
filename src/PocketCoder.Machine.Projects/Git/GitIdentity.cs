using PocketCoder.Git;
using PocketCoder.Processes;

namespace PocketCoder.Machine.Git;

/// <summary>
/// As whom commits are made: who the repository says, else who the owner's own <c>~/.gitconfig</c> says. Only that file is read on the
/// machine, away from any repository.
/// </summary>
internal static class GitIdentity
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(5);

    /// <summary>Variables for a command that commits; empty when the repository says it itself, or nobody does.</summary>
    public static async Task<IReadOnlyDictionary<string, string>> ForAsync(
        GitRepository repo, TimeProvider time, CancellationToken cancellationToken)
    {
        var own = await repo.RunAsync(new GitCommand("config", "--includes", "--null", "--get-regexp", @"^user\.(name|email)$")
        { AlsoFine = [1] }, cancellationToken);
        var (name, email) = Read(own.Text);
        if (name is null || email is null)
        {
            var (ownersName, ownersEmail) = Read(await OwnersAsync(time, cancellationToken));
            (name, email) = (name ?? ownersName, email ?? ownersEmail);
        }

        var environment = new Dictionary<string, string>(StringComparer.Ordinal);
        if (name is not null && email is not null)
        {
            (environment["GIT_AUTHOR_NAME"], environment["GIT_COMMITTER_NAME"]) = (name, name);
            (environment["GIT_AUTHOR_EMAIL"], environment["GIT_COMMITTER_EMAIL"]) = (email, email);
        }

        return environment;
    }

    private static (string? Name, string? Email) Read(string output)
    {
        string? Of(string key) => output.Split('\0').LastOrDefault(l => l.StartsWith(key + "\n", StringComparison.Ordinal)) is { } line
            && line.Length > key.Length + 1 ? line[(key.Length + 1)..] : null;
        return (Of("user.name"), Of("user.email"));
    }

    /// <summary>Whether a commit in a terminal would be signed: by the repository's own configuration, else by the owner's.</summary>
    public static async Task<bool> SignsAsync(GitRepository repo, TimeProvider time, CancellationToken cancellationToken)
    {
        var own = (await repo.RunAsync(new GitCommand("config", "--local", "--includes", "--type=bool", "--get", "commit.gpgsign")
        { AlsoFine = [1, 128] }, cancellationToken)).Text.Trim();
        return own == "true" || (own.Length == 0 && (await OwnersAsync(time, cancellationToken)).Split('\0')
            .LastOrDefault(l => l.StartsWith("commit.gpgsign", StringComparison.Ordinal)) is { } says
            && says.EndsWith("true", StringComparison.OrdinalIgnoreCase));
    }

    private static async Task<string> OwnersAsync(TimeProvider time, CancellationToken cancellationToken)
    {
        var environment = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["PATH"] = "/usr/local/bin:/usr/bin:/bin",
            ["HOME"] = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile),
            ["LC_ALL"] = "C.UTF-8",
            ["GIT_DIR"] = "/nonexistent",
            ["GIT_CONFIG_NOSYSTEM"] = "1",
        };
        if (Environment.GetEnvironmentVariable("XDG_CONFIG_HOME") is { Length: > 0 } settings)
        {
            environment["XDG_CONFIG_HOME"] = settings;
        }

        try
        {
            var read = await CommandRun.RunAsync(
                new ProcessStart
                {
                    Program = "git",
                    Arguments = ["config", "--global", "--includes", "--null", "--get-regexp",
                    @"^(user\.(name|email)|commit\.gpgsign)$"],
                    WorkingDirectory = "/",
                    Environment = environment
                },
                s_limit, 16 * 1024, time, cancellationToken);
            return read.Output;
        }
        catch (ProcessStartException)
        {
            return ""; // then git says itself that it does not know
        }
    }
}
