using PocketCoder.Machine.Paths;


namespace PocketCoder.Machine.Tests.Snapshots;

/// <summary>Changes a folder in every way a command could: files, links, modes, folders, any name.</summary>
internal sealed class RandomEdits(string root, Random random)
{
    private static readonly string[] s_names = ["a", "b", "-c", "d e", "f\ng", "zażółć", ".h", "i.txt", "\"j\"", "k\\l"];

    public void Do()
    {
        var path = Any();
        switch (random.Next(9))
        {
            case 0 or 1 or 2:
                Clear(path);
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                var bytes = new byte[random.Next(5) == 0 ? 70_000 : random.Next(40)];
                random.NextBytes(bytes);
                File.WriteAllBytes(path, bytes);
                break;
            case 3 when File.Exists(path):
                File.AppendAllText(path, "more\r\n");
                break;
            case 4 when File.Exists(path) && new FileInfo(path).LinkTarget is null && !OperatingSystem.IsWindows():
                File.SetUnixFileMode(path, (UnixFileMode)((random.Next(0x200) & 0x1ff) | 0x180));
                break;
            case 5:
                Clear(path);
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                File.CreateSymbolicLink(path, random.Next(3) switch { 0 => "a", 1 => "/nowhere", _ => "../b" });
                break;
            case 6:
                Clear(path);
                break;
            case 7 when Directory.Exists(path) && new FileInfo(path).LinkTarget is null && Any() is var to
                && !to.StartsWith(path, StringComparison.Ordinal) && !path.StartsWith(to, StringComparison.Ordinal):
                Clear(to);
                Directory.CreateDirectory(Path.GetDirectoryName(to)!);
                Directory.Move(path, to);
                break;
            case 8:
                // A name that .NET can't say.
                using (var folder = Unix.OpenRoot(root))
                {
                    var name = $"bad\u00ff{random.Next(3)}";
                    Unix.Remove(folder, name);
                    using var file = Unix.CreateNew(folder, name);
                    RandomAccess.Write(file, [(byte)random.Next(256)], 0);
                }

                break;
        }
    }

    private string Any()
    {
        var path = root;
        for (var depth = random.Next(3); depth >= 0; depth--)
        {
            path = Path.Combine(path, s_names[random.Next(s_names.Length)]);
        }

        // Nothing on the way may be a file or a link: that is not ours to write through.
        for (var folder = Path.GetDirectoryName(path)!; folder != root; folder = Path.GetDirectoryName(folder)!)
        {
            if (new FileInfo(folder).LinkTarget is not null || File.Exists(folder))
            {
                File.Delete(folder);
            }
        }

        return path;
    }

    private static void Clear(string path)
    {
        if (Directory.Exists(path) && new FileInfo(path).LinkTarget is null)
        {
            Directory.Delete(path, recursive: true);
        }
        else if (Path.Exists(path) || new FileInfo(path).LinkTarget is not null)
        {
            File.Delete(path);
        }
    }
}
