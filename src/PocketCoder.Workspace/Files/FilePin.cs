using System.Globalization;
using PocketCoder.Protocol;
using PocketCoder.Workspace.Beneath;

namespace PocketCoder.Workspace.Files;

/// <summary>What a decision about a path was made for: tells whether it is still the same. Stateless.</summary>
internal static class FilePin
{
    public static string Of(ProjectRoot root, ProjectPath path)
    {
        if (path.IsRoot)
        {
            return "project";
        }

        using var parent = root.TryFind(path.Parent, follow: true, out _);
        if (parent is not { Stat.IsDirectory: true })
        {
            return $"nowhere {path.Raw}";
        }

        var place = (root.RealPath(parent.Handle) / path.Name).Raw;
        if (Libc.Stat(parent.Handle, path.Name) is not { } here)
        {
            return $"nothing {place}";
        }

        if (!here.IsLink)
        {
            return $"{Content(root, path)} {place}";
        }

        // A link is moved and deleted itself, and written through: both are what was decided about.
        return $"link {Libc.ReadLink(parent.Handle, path.Name)} {Content(root, path)} {place}";
    }

    private static string Content(ProjectRoot root, ProjectPath path)
    {
        using var node = root.TryFind(path, follow: true, out var error);
        if (node is null)
        {
            return string.Create(CultureInfo.InvariantCulture, $"error {error}");
        }

        var real = root.RealPath(node.Handle).Raw;
        if (node.Stat is { IsRegular: true, Size: <= FileLimits.ReadBytes } && Libc.Reopen(node.Handle, 0) is { } file)
        {
            using (file)
            {
                return $"file {FileReading.Etag(file)} {real}";
            }
        }

        var stat = node.Stat;
        return string.Create(CultureInfo.InvariantCulture,
            $"{stat.Kind} {stat.Device} {stat.Inode} {stat.Size} {stat.Modified} {stat.Changed} {real}");
    }
}
