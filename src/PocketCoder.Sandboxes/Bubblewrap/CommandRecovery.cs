using PocketCoder.Processes;

namespace PocketCoder.Sandboxes.Bubblewrap;

/// <summary>Finds the commands of a session again after the daemon died.</summary>
internal static class CommandRecovery
{
    /// <summary>
    /// Spooled commands go on, or are reported with how they ended meanwhile. The others had their output cut off and are ended: nobody
    /// could say what they did.
    /// </summary>
    public static async Task<IReadOnlyList<ISandboxExec>> RunAsync(SessionState state, SessionFolder folder, SandboxOptions options)
    {
        var found = new List<ISandboxExec>();
        foreach (var path in Directory.EnumerateFiles(folder.Commands, "*.json").ToList())
        {
            if (StateFile.Read(path, StateJson.Default.CommandState) is not { } command)
            {
                File.Delete(path);
                continue;
            }

            // The daemon may have died between the start and the second record.
            var leader = command.Leader ?? SessionCleanup.Naming(command.Spooled ? folder.Spool(command.Id) : command.Id).FirstOrDefault();
            if (command.Spooled)
            {
                var known = command with { Leader = leader ?? new ProcessIdentity(-1, -1, "") };
                found.Add(new BubblewrapExec(known, folder, () => SandboxProcesses.IsWhole(state.Holder), options));
                continue;
            }

            if (leader is not null)
            {
                await ProcessGroup.KillAsync(leader, TimeSpan.Zero, options.Time);
            }

            File.Delete(path);
            File.Delete(folder.OptionsOf(command.Id));
        }

        return found;
    }
}
