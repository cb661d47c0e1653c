using System.Security.Cryptography;
using PocketCoder.Platform;

namespace PocketCoder.Sandboxes.Bubblewrap;

/// <summary>
/// The scripts that the daemon starts, written once a version into its own folder. They are resources of this assembly and are never put
/// together from parts.
/// </summary>
internal static class FixedScripts
{
    private static readonly string[] s_host = ["start.sh", "enter.sh", "spool.sh", "spooled.sh"];

    public static readonly string[] Inside = ["holder.sh", "pane.sh", "tmux.conf"];

    /// <summary>The folder with the scripts of this version; a running session keeps using its own version's.</summary>
    public static string WriteTo(string stateDirectory)
    {
        var contents = s_host.Select(n => (Name: n, Bytes: Read(n))).ToList();
        var version = Convert.ToHexStringLower(SHA256.HashData([.. contents.SelectMany(c => c.Bytes)]))[..16];
        var folder = Path.Combine(stateDirectory, "scripts-" + version);
        SessionFolder.Make(folder, CurrentUser.Id == 0 ? SessionFolder.Readable : SessionFolder.Private);
        foreach (var (name, bytes) in contents)
        {
            var path = Path.Combine(folder, name);
            if (!File.Exists(path) || !File.ReadAllBytes(path).AsSpan().SequenceEqual(bytes))
            {
                var next = $"{path}.{Guid.CreateVersion7():N}";
                File.WriteAllBytes(next, bytes);
                File.SetUnixFileMode(next, UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
                File.Move(next, path, overwrite: true);
            }
        }

        return folder;
    }

    public static byte[] Read(string name)
    {
        using var stream = typeof(FixedScripts).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"The resource {name} is missing from the build.");
        using var memory = new MemoryStream();
        stream.CopyTo(memory);
        return memory.ToArray();
    }
}
