using Microsoft.Extensions.Logging;
using PocketCoder.Agents;
using PocketCoder.Machine.Files;
using PocketCoder.Processes;

namespace PocketCoder.Machine.Sessions.Tools;

/// <summary>
/// New files that hold keys or passwords by their name and that an agent's own program wrote, by its umask. What drivers write themselves
/// has the right mode from its first byte (<see cref="AgentStart.HoldsSecrets"/>); here it is set right once the agent says that it is
/// done.
/// </summary>
internal static partial class SecretModes
{
    private const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>
    /// Takes group's and others' rights from a file that was made. One that was there before keeps its mode; so does one with other names
    /// (hard links), which may lie anywhere.
    /// </summary>
    /// <param name="change">What an agent has written; null: nothing.</param>
    public static void Tighten(FileChange? change, ILogger logger)
    {
        if (change is not { Before: null } made || OperatingSystem.IsWindows() || !SecretReads.IsSecret(made.Path))
        {
            return;
        }

        try
        {
            using var file = PlainFile.OpenRead(made.Path, out _);
            if (file is null || FileIdentity.Of($"/proc/self/fd/{file.DangerousGetHandle()}") is not { Links: 1 })
            {
                return;
            }

            var mode = File.GetUnixFileMode(file);
            if ((mode & ~Owner) != UnixFileMode.None)
            {
                File.SetUnixFileMode(file, mode & Owner);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogReadable(logger, e.Message);
        }
    }

    [LoggerMessage(EventId = 363, Level = LogLevel.Warning,
        Message = "The mode of a new file that holds keys by its name could not be set to 0600: {Reason}")]
    private static partial void LogReadable(ILogger logger, string reason);
}
