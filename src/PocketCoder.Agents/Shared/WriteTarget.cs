using System.Text;

namespace PocketCoder.Agents.Shared;

/// <summary>A file that may be written for an agent: beneath the project's folder, its text before known.</summary>
internal sealed record WriteTarget(string Project, string Path, TextFile Before)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>
    /// Without the bits that run a program as its owner or group: what is written is a new file, and may have another owner.
    /// </summary>
    private const UnixFileMode Permissions = ~(UnixFileMode.SetUser | UnixFileMode.SetGroup | UnixFileMode.StickyBit);

    /// <summary>Null, with the reason in words, when it must not be written.</summary>
    /// <param name="path">From the working directory, or absolute.</param>
    /// <param name="project">The folder that it must lie in; null: the working directory.</param>
    public static WriteTarget? Find(string workingDirectory, string path, out string refusal, string? project = null)
    {
        refusal = "";
        project ??= workingDirectory;
        if (ConfinedPath.ResolveBeneath(project, workingDirectory, path) is not { } real)
        {
            refusal = $"{path} is outside the project.";
            return null;
        }

        if (TextFile.ReadPlain(real) is not { } before)
        {
            refusal = $"{path} is no text file of at most {TextFile.MaxBytes} bytes.";
            return null;
        }

        return new WriteTarget(project, real, before);
    }

    /// <summary>
    /// Writes whole or not at all (temporary file, rename), if path and text before are still what was shown. A file that is there keeps
    /// its mode; a new one follows the umask. Returns why not, or null.
    /// </summary>
    /// <param name="holdsSecrets">Whether a file holds keys by its name: a new one gets mode 0600, whatever the umask.</param>
    public async Task<string?> WriteAsync(string content, Func<string, bool> holdsSecrets, CancellationToken cancellationToken)
    {
        var directory = System.IO.Path.GetDirectoryName(Path)!;
        var temporary = System.IO.Path.Combine(directory, $".{Guid.CreateVersion7():N}.tmp");
        try
        {
            if (ConfinedPath.ResolveBeneath(Project, Path) != Path)
            {
                return "The path leads elsewhere now than when it was approved.";
            }

            Directory.CreateDirectory(directory);
            var options = new FileStreamOptions
            { Mode = FileMode.CreateNew, Access = FileAccess.Write, Options = FileOptions.Asynchronous };
            UnixFileMode? mode = null;
            if (!OperatingSystem.IsWindows())
            {
                mode = File.Exists(Path) ? File.GetUnixFileMode(Path) & Permissions : holdsSecrets(Path) ? OwnerOnly : null;
                options.UnixCreateMode = mode is null ? null : OwnerOnly;
            }

            await using (var stream = new FileStream(temporary, options))
            {
                if (mode is { } kept && !OperatingSystem.IsWindows())
                {
                    File.SetUnixFileMode(stream.SafeFileHandle, kept); // the umask would take some of it
                }

                await stream.WriteAsync(Encoding.UTF8.GetBytes(content), cancellationToken);
                stream.Flush(flushToDisk: true);
            }

            if (TextFile.ReadPlain(Path)?.Digest != Before.Digest || ConfinedPath.ResolveBeneath(Project, Path) != Path)
            {
                return "The file changed after it was shown for approval.";
            }

            File.Move(temporary, Path, overwrite: true);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
        finally
        {
            File.Delete(temporary);
        }
    }
}
