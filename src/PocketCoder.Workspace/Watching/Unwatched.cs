using PocketCoder.Protocol;
using PocketCoder.Workspace.Beneath;
using PocketCoder.Workspace.Ignoring;

namespace PocketCoder.Workspace.Watching;

/// <summary>What nobody is told of: the folders that seed 003 names, what <c>.gitignore</c> leaves out, and our own.</summary>
internal static class Unwatched
{
    public static bool Is(ProjectRoot root, IgnoreScope ignores, ProjectPath folder, string name, bool isFolder)
        => name == ".git" || (isFolder && name is ("node_modules" or "dist" or "build" or ".next")) || root.IsHidden(folder, name) || ignores.IsIgnored(folder / name, isFolder);

    public static bool IsFolder(Microsoft.Win32.SafeHandles.SafeFileHandle parent, string name, FsKind? kind) => (kind ?? Libc.Stat(parent, name)?.Kind) == FsKind.Dir;
}
