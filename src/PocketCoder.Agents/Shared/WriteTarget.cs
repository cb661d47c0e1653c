using System.Text;

namespace PocketCoder.Agents.Shared;

/// <summary>A file that may be written for an agent: beneath the working directory, its text before known.</summary>
internal sealed record WriteTarget(string WorkingDirectory, string Path, TextFile Before)
{
    /// <summary>Null, with the reason in words, when it must not be written.</summary>
    public static WriteTarget? Find(string workingDirectory, string path, out string refusal)
    {
        refusal = "";
        if (ConfinedPath.ResolveBeneath(workingDirectory, path) is not { } real)
        {
            refusal = $"{path} is outside the project.";
            return null;
        }

        if (TextFile.Read(real) is not { } before)
        {
            refusal = $"{path} is no text file of at most {TextFile.MaxBytes} bytes.";
            return null;
        }

        return new WriteTarget(workingDirectory, real, before);
    }

    /// <summary>
    /// Writes whole or not at all (temporary file, rename), if path and text before are still what was shown. Returns why not, or null.
    /// </summary>
    public async Task<string?> WriteAsync(string content, CancellationToken cancellationToken)
    {
        var directory = System.IO.Path.GetDirectoryName(Path)!;
        var temporary = System.IO.Path.Combine(directory, $".{Guid.CreateVersion7():N}.tmp");
        try
        {
            if (ConfinedPath.ResolveBeneath(WorkingDirectory, Path) != Path)
            {
                return "The path leads elsewhere now than when it was approved.";
            }

            Directory.CreateDirectory(directory);
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Options = FileOptions.Asynchronous };
            if (File.Exists(Path) && !OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = File.GetUnixFileMode(Path);
            }

            await using (var stream = new FileStream(temporary, options))
            {
                await stream.WriteAsync(Encoding.UTF8.GetBytes(content), cancellationToken);
                stream.Flush(flushToDisk: true);
            }

            if (TextFile.Read(Path)?.Digest != Before.Digest || ConfinedPath.ResolveBeneath(WorkingDirectory, Path) != Path)
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
