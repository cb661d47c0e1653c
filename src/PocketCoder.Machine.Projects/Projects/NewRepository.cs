using Microsoft.Win32.SafeHandles;
using PocketCoder.Machine.Paths;

namespace PocketCoder.Machine.Projects;

/// <summary>
/// What <c>git init</c> makes (gitrepository-layout(5)), by handles and without starting git: no template's hooks and no configuration of
/// the user's are taken. Linux only. Stateless.
/// </summary>
internal static class NewRepository
{
    private const int Readable = 0x1A4; // 0644

    private static readonly string[] s_folders = ["objects", "objects/info", "objects/pack", "refs", "refs/heads", "refs/tags", "info"];

    /// <param name="folder">New and empty.</param>
    /// <exception cref="IOException">It can't be made; part of it may be there.</exception>
    public static void Make(SafeFileHandle folder)
    {
        Unix.MakeDirectory(folder, ".git");
        using var git = Opened(folder, ".git");
        foreach (var path in s_folders)
        {
            var slash = path.IndexOf('/', StringComparison.Ordinal);
            using var parent = slash < 0 ? null : Opened(git, path[..slash]);
            Unix.MakeDirectory(parent ?? git, path[(slash + 1)..]);
        }

        Write(git, "config", "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n"u8);
        Write(git, "HEAD", "ref: refs/heads/main\n"u8);
    }

    /// <summary>Makes it, also where a crash cut that off before; one that is there is left alone.</summary>
    /// <param name="folder">Made by us: what is in it without a <c>HEAD</c>, which is made last, is a part of what we made.</param>
    /// <exception cref="IOException">As for <see cref="Make"/>.</exception>
    public static void Complete(SafeFileHandle folder)
    {
        using (var git = Unix.OpenDirectory(folder, ".git"))
        {
            if (git is not null && Unix.Stat(git, "HEAD") is { Size: > 0 })
            {
                return;
            }
        }

        Undo(folder);
        Make(folder);
    }

    /// <summary>Takes it away again, and nothing that somebody else put there.</summary>
    public static void Undo(SafeFileHandle folder)
    {
        using var git = Unix.OpenDirectory(folder, ".git");
        if (git is null)
        {
            return;
        }

        Unix.Remove(git, "HEAD");
        Unix.Remove(git, "config");
        foreach (var path in s_folders.Reverse())
        {
            var slash = path.IndexOf('/', StringComparison.Ordinal);
            using var parent = slash < 0 ? null : Unix.OpenDirectory(git, path[..slash]);
            if (slash < 0 || parent is not null)
            {
                Unix.RemoveEmptyDirectory(parent ?? git, path[(slash + 1)..]);
            }
        }

        Unix.RemoveEmptyDirectory(folder, ".git");
    }

    private static SafeFileHandle Opened(SafeFileHandle parent, string name)
        => Unix.OpenDirectory(parent, name) ?? throw new IOException($"{name} could not be made.");

    private static void Write(SafeFileHandle folder, string name, ReadOnlySpan<byte> content)
    {
        using var file = Unix.CreateNew(folder, name);
        RandomAccess.Write(file, content, 0);
        Unix.SetMode(file, Readable);
    }
}
