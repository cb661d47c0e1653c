using PocketCoder.Platform;

namespace PocketCoder.Processes;

/// <summary>Tells regular files from pipes, sockets and devices, which .NET does not. Linux only. Thread-safe.</summary>
public static class FileKind
{
    /// <summary>Whether the path (links followed) is a regular file. False when it can't be known.</summary>
    public static bool IsRegular(string path) => FileStatus.Of(path) is { IsRegular: true };
}
