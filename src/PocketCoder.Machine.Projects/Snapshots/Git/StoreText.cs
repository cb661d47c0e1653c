using System.Globalization;
using System.Text;
using PocketCoder.Machine.Paths;

namespace PocketCoder.Machine.Snapshots.Git;

/// <summary>
/// What a snapshot's commit holds: <c>w/</c>, the files as git keeps them, and <c>m</c>, what git does not keep (exact permissions, files
/// left out).
/// </summary>
internal static class StoreText
{
    public const string Files = "w/";
    public const string Manifest = "m";

    private const string Version = "pocketcoder-snapshot-v1";

    /// <summary>
    /// The permissions of a file that the manifest has no line for, by git's executable bit, are the most frequent ones: its first lines.
    /// </summary>
    public static byte[] WriteManifest(IReadOnlyDictionary<TreePath, TreeEntry> entries)
    {
        var usual = (Plain: Usual(entries, executable: false), Executable: Usual(entries, executable: true));
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{Version}\0{Octal(usual.Plain)}\0{Octal(usual.Executable)}\0");
        foreach (var (path, entry) in entries.OrderBy(e => e.Key.Raw, StringComparer.Ordinal))
        {
            if (entry.Oid is null)
            {
                text.Append(CultureInfo.InvariantCulture, $"L{(entry.IsLink ? "l" : Octal(entry.Permissions))} {entry.Size} {path.Raw}\0");
            }
            else if (!entry.IsLink && entry.Permissions != (IsExecutable(entry.Permissions) ? usual.Executable : usual.Plain))
            {
                text.Append(CultureInfo.InvariantCulture, $"P{Octal(entry.Permissions)} {path.Raw}\0");
            }
        }

        return Encoding.Latin1.GetBytes(text.ToString());
    }

    /// <summary>Puts git's listing and the manifest together.</summary>
    /// <exception cref="SnapshotException">The manifest is not ours.</exception>
    public static SnapshotTree Read(IEnumerable<(string Mode, string Oid, string Path)> listed, byte[] manifest)
    {
        var lines = Encoding.Latin1.GetString(manifest).Split('\0');
        if (lines.Length < 4 || lines[0] != Version)
        {
            throw new SnapshotException("a snapshot's manifest can't be read");
        }

        var (plain, executable) = (Permissions(lines[1]), Permissions(lines[2]));
        var entries = new Dictionary<TreePath, TreeEntry>();
        foreach (var (mode, oid, path) in listed)
        {
            var link = mode == "120000";
            entries[new TreePath(path)] = new TreeEntry(oid, link, link ? 0 : mode == "100755" ? executable : plain, 0);
        }

        foreach (var line in lines.Skip(3).Where(l => l.Length > 0))
        {
            if (line[0] == 'P' && line.Split(' ', 2) is [var permissions, var path]
                && entries.TryGetValue(new TreePath(path), out var entry))
            {
                entries[new TreePath(path)] = entry with { Permissions = Permissions(permissions[1..]) };
            }
            else if (line[0] == 'L' && line.Split(' ', 3) is [var kind, var size, var left])
            {
                var isLink = kind == "Ll";
                entries[new TreePath(left)] = new TreeEntry(
                    null, isLink, isLink ? 0 : Permissions(kind[1..]), long.Parse(size, CultureInfo.InvariantCulture));
            }
            else
            {
                throw new SnapshotException("a snapshot's manifest can't be read");
            }
        }

        return new SnapshotTree(entries);
    }

    /// <summary>git's own mode of an entry.</summary>
    public static string GitMode(TreeEntry entry) => entry.IsLink ? "120000" : IsExecutable(entry.Permissions) ? "100755" : "100644";

    /// <summary>A path as fast-import reads it: quoted, with every byte that could mean something as an octal escape.</summary>
    public static string Quote(string path)
    {
        var text = new StringBuilder(path.Length + 2).Append('"');
        foreach (var c in path)
        {
            if (c is '"' or '\\' or < ' ' or > '~')
            {
                text.Append('\\').Append((char)('0' + (c >> 6))).Append((char)('0' + ((c >> 3) & 7))).Append((char)('0' + (c & 7)));
            }
            else
            {
                text.Append(c);
            }
        }

        return text.Append('"').ToString();
    }

    private static bool IsExecutable(int permissions) => (permissions & 0x40) != 0;

    private static int Usual(IReadOnlyDictionary<TreePath, TreeEntry> entries, bool executable)
    {
        var counts = new Dictionary<int, int>();
        foreach (var entry in entries.Values)
        {
            if (entry is { IsLink: false, Oid: not null } && IsExecutable(entry.Permissions) == executable)
            {
                counts[entry.Permissions] = counts.GetValueOrDefault(entry.Permissions) + 1;
            }
        }

        return counts.Count == 0 ? (executable ? 0x1ED : 0x1A4) : counts.OrderByDescending(c => c.Value).ThenBy(c => c.Key).First().Key;
    }

    private static string Octal(int permissions) => Convert.ToString(permissions, 8);

    private static int Permissions(string octal)
    {
        try
        {
            return Convert.ToInt32(octal, 8) is var permissions and >= 0 and <= 0x1FF ? permissions : throw new FormatException();
        }
        catch (Exception e) when (e is FormatException or OverflowException or ArgumentException)
        {
            throw new SnapshotException("a snapshot's manifest can't be read", e);
        }
    }
}
