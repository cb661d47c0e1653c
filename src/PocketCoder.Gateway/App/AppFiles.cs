using System.Collections.Frozen;
using System.Reflection;

namespace PocketCoder.Gateway.App;

/// <summary>The app's files by path. Asking is a look-up in a fixed table, so no path can leave it.</summary>
internal sealed class AppFiles
{
    private const string ResourcePrefix = "app/";

    private readonly FrozenDictionary<string, AppFile> _files;

    private AppFiles(IEnumerable<(string Path, Func<Stream> Open)> sources)
    {
        var files = new Dictionary<string, AppFile>(StringComparer.Ordinal);
        foreach (var (path, open) in sources)
        {
            var (plain, encoding) = path switch
            {
                _ when path.EndsWith(".br", StringComparison.Ordinal) => (path[..^3], "br"),
                _ when path.EndsWith(".gz", StringComparison.Ordinal) => (path[..^3], AppFile.Gzip),
                _ => (path, ""),
            };
            if (!files.TryGetValue(plain, out var file))
            {
                files.Add(plain, file = new AppFile(plain));
            }

            file.Add(encoding, open);
        }

        _files = files.Where(f => f.Value.HasPlain).ToFrozenDictionary(StringComparer.Ordinal);
    }

    public bool IsEmpty => Index is null;

    public AppFile? Index => Find("index.html");

    public AppFile? Find(string path) => _files.GetValueOrDefault(path);

    /// <summary>The files built into this program; none when it was built without the app.</summary>
    public static AppFiles BuiltIn()
    {
        var assembly = Assembly.GetExecutingAssembly();
        return new AppFiles(
            from name in assembly.GetManifestResourceNames()
            where name.StartsWith(ResourcePrefix, StringComparison.Ordinal)
            select (name[ResourcePrefix.Length..].Replace('\\', '/'), (Func<Stream>)(() => assembly.GetManifestResourceStream(name)!)));
    }

    /// <summary>The files of a folder as they are now; links are not followed.</summary>
    public static AppFiles From(string directory)
        => new(
            from file in new DirectoryInfo(directory).EnumerateFiles(
                "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint })
            select (Path.GetRelativePath(directory, file.FullName).Replace('\\', '/'), (Func<Stream>)file.OpenRead));
}
