using PocketCoder.Processes;

namespace PocketCoder.Testing.Git;

/// <summary>Lines that a person might type on the machine, with no configuration of git but the repository's own.</summary>
public static class Shell
{
    private const int OutputLimit = 1024 * 1024;

    /// <summary>
    /// Runs the lines in a folder and gives their standard output, at most 1 MiB, within <see cref="Wait.Limit"/>. Standard error is kept
    /// apart: read beside the other it would come between its lines in an order of luck.
    /// </summary>
    /// <exception cref="InvalidOperationException">One of them failed: the message is what they said, standard error last.</exception>
    public static async Task<string> RunAsync(string folder, string lines, CancellationToken cancellationToken = default)
    {
        var said = Path.GetTempFileName();
        var start = new ProcessStart
        {
            Program = "/bin/sh",
            Arguments = ["-ec", $"exec 2>\"$0\"\n{lines}", said],
            WorkingDirectory = folder,
            Environment = new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["PATH"] = "/usr/local/bin:/usr/bin:/bin",
                ["HOME"] = "/nonexistent",
                ["GIT_CONFIG_NOSYSTEM"] = "1",
                ["LC_ALL"] = "C.UTF-8",
            },
        };
        try
        {
            var ran = await CommandRun.RunAsync(start, Wait.Limit, OutputLimit, TimeProvider.System, cancellationToken);
            return ran.ExitCode == 0 ? ran.Output
                : throw new InvalidOperationException(ran.Output + await File.ReadAllTextAsync(said, cancellationToken));
        }
        finally
        {
            File.Delete(said);
        }
    }
}
