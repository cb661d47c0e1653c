using PocketCoder.Protocol;
using PocketCoder.Workspace.Beneath;
using PocketCoder.Workspace.Ignoring;

namespace PocketCoder.Workspace.Watching;

/// <summary>
/// Paths without change events: folders of tools such as <c>node_modules</c>, files that <c>.gitignore</c> excludes, and PocketCoder's own
/// files.
/// </summary>
internal static class Unwatched
{
    public static bool Is(ProjectRoot root, IgnoreScope ignores, ProjectPath folder, string name, bool isFolder)
        => name == ".git" || (isFolder && name is ("node_modules" or "dist" or "build" or ".next")) || root.IsHidden(folder, name)
            || ignores.IsIgnored(folder / name, isFolder);

    public static bool IsFolder(Microsoft.Win32.SafeHandles.SafeFileHandle parent, string name, FsKind? kind)
        => (kind ?? Libc.Stat(parent, name)?.Kind) == FsKind.Dir;
}
