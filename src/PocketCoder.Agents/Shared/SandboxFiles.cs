using System.Runtime.Versioning;
using PocketCoder.Processes;

namespace PocketCoder.Agents.Shared;

/// <summary>
/// Work in the folder of a sandbox while nothing runs there. It was the agent's in earlier runs, so nothing in it is trusted: no link is
/// followed.
/// </summary>
[UnsupportedOSPlatform("windows")]
internal static class SandboxFiles
{
    private const long MaxTranscriptBytes = 512L << 20;

    /// <summary>A directory of our own here, not a link to somebody's.</summary>
    public static void Own(string directory)
    {
        var there = new DirectoryInfo(directory);
        if (there.LinkTarget is not null)
        {
            there.Delete(); // the link only
        }

        Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>An empty directory of our own here, whatever was here before.</summary>
    /// <returns>Its path.</returns>
    public static string Fresh(string directory)
    {
        if (new DirectoryInfo(directory) is { Exists: true, LinkTarget: null })
        {
            Directory.Delete(directory, recursive: true); // of links in it only the link
        }
        else
        {
            File.Delete(directory);
        }

        Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return directory;
    }

    /// <summary>Takes a file or link away.</summary>
    /// <exception cref="IOException">A directory is there.</exception>
    public static void Remove(string path)
    {
        if (new DirectoryInfo(path) is { Exists: true, LinkTarget: null })
        {
            throw new IOException($"{path} is a directory.");
        }

        File.Delete(path); // a link itself
    }

    /// <summary>Writes a file that is not there, for its owner only.</summary>
    public static void Write(string path, ReadOnlySpan<byte> content)
    {
        using var file = new FileStream(path, new FileStreamOptions
        { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite });
        file.Write(content);
    }

    /// <summary>Brings a file from outside, unless one is there: from then on the sandbox's is the one that goes on.</summary>
    /// <param name="theirs">A regular file of at most 512 MiB; of anything else nothing is brought.</param>
    /// <param name="root">The sandbox's own folder.</param>
    /// <param name="path">Below it.</param>
    public static void Bring(string theirs, string root, string path)
    {
        if (!FileKind.IsRegular(theirs) || new FileInfo(theirs).Length > MaxTranscriptBytes)
        {
            return;
        }

        var folder = root;
        foreach (var part in (Path.GetDirectoryName(path) ?? "").Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            Own(folder = Path.Combine(folder, part));
        }

        var mine = Path.Combine(root, path);
        if (new FileInfo(mine) is { Exists: false, LinkTarget: null })
        {
            using var from = new FileStream(theirs, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var to = new FileStream(mine, new FileStreamOptions
            { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite });
            from.CopyTo(to);
        }
    }
}
