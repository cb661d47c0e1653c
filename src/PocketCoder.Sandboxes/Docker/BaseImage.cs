using System.Formats.Tar;
using System.Security.Cryptography;
using System.Text;
using PocketCoder.Sandboxes.Bubblewrap;

namespace PocketCoder.Sandboxes.Docker;

/// <summary>An image with nothing in it but places: the tools come from the host's /usr.</summary>
internal static class BaseImage
{
    public const string Repository = "pocketcoder-base";

    private static readonly string[] s_folders = ["usr", "etc", "proc", "sys", "dev", "tmp", "run", "home", "home/agent", "opt"];

    /// <summary>Its tag: of what is in it.</summary>
    public static (string Tag, MemoryStream Archive) Make()
    {
        var archive = new MemoryStream();
        using (var tar = new TarWriter(archive, TarEntryFormat.Pax, leaveOpen: true))
        {
            foreach (var folder in s_folders)
            {
                Add(tar, new PaxTarEntry(TarEntryType.Directory, folder) { Mode = SessionFolder.Readable });
            }

            foreach (var name in (string[])["bin", "sbin", "lib", "lib32", "lib64", "libx32"])
            {
                if (new DirectoryInfo("/" + name).LinkTarget is { } target)
                {
                    Add(tar, new PaxTarEntry(TarEntryType.SymbolicLink, name) { LinkName = target });
                }
            }

            foreach (var (name, text) in BubblewrapArguments.EtcFiles())
            {
                Add(tar, new PaxTarEntry(TarEntryType.RegularFile, "etc/" + name)
                {
                    Mode = UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead,
                    DataStream = new MemoryStream(Encoding.UTF8.GetBytes(text)),
                });
            }
        }

        archive.Position = 0;
        var tag = Convert.ToHexStringLower(SHA256.HashData(archive))[..16];
        archive.Position = 0;
        return (tag, archive);
    }

    private static void Add(TarWriter tar, PaxTarEntry entry)
    {
        entry.ModificationTime = DateTimeOffset.UnixEpoch; // the same content is the same image
        tar.WriteEntry(entry);
    }
}
