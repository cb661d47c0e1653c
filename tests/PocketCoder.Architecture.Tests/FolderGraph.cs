using System.Text.RegularExpressions;
using PocketCoder.Testing;

namespace PocketCoder.Architecture.Tests;

/// <summary>
/// Which folders of a project know which others, read from the source: a folder is one directly under the project, with all below it; files
/// beside the project file are the folder <c>.</c>. A file knows another folder when it names a type or an extension method that is
/// declared there and that its namespace or its <c>using</c> lines let it see. Text, not a compiler: it may see an arrow that is none, and
/// misses none that has a name.
/// </summary>
internal sealed partial class FolderGraph
{
    private readonly SortedDictionary<string, SortedDictionary<string, string>> _arrows = new(StringComparer.Ordinal);

    private FolderGraph(string project)
    {
        var root = Repository.PathOf($"src/PocketCoder.{project}");
        var files = Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories)
            .Select(f => Path.GetRelativePath(root, f).Replace('\\', '/'))
            .Where(f => !f.StartsWith("obj/", StringComparison.Ordinal))
            .Select(f => new Source(f, Comment().Replace(File.ReadAllText(Path.Combine(root, f)), "")))
            .ToList();
        var declared = files.SelectMany(f => f.Declares.Select(name => (Name: name, File: f)))
            .ToLookup(d => d.Name, d => d.File, StringComparer.Ordinal);
        foreach (var file in files)
        {
            var to = _arrows.TryGetValue(file.Folder, out var known) ? known : _arrows[file.Folder] = new(StringComparer.Ordinal);
            foreach (var name in file.Names)
            {
                foreach (var other in declared[name].Where(
                    o => o.Folder != file.Folder && !file.Declares.Contains(name) && file.Sees(o.Namespace, name)))
                {
                    to.TryAdd(other.Folder, $"{file.Path} names {name}");
                }
            }
        }
    }

    public IEnumerable<string> Folders => _arrows.Keys;

    /// <summary>Each arrow once, with one place that it comes from.</summary>
    public IEnumerable<(string From, string To, string Because)> Arrows
        => _arrows.SelectMany(f => f.Value.Select(t => (f.Key, t.Key, t.Value)));

    /// <param name="project">Its name without the one of the product.</param>
    public static FolderGraph Of(string project) => new(project);

    /// <summary>Folders from which a way leads back to themselves.</summary>
    public IEnumerable<string> InCircles() => Folders.Where(folder =>
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var ahead = new Stack<string>(_arrows[folder].Keys);
        while (ahead.TryPop(out var next))
        {
            if (next == folder)
            {
                return true;
            }

            if (seen.Add(next))
            {
                foreach (var further in _arrows[next].Keys)
                {
                    ahead.Push(further);
                }
            }
        }

        return false;
    });

    private sealed class Source
    {
        private readonly string _body;
        private readonly HashSet<string> _visible;

        public Source(string path, string text)
        {
            Path = path;
            Folder = path.Contains('/', StringComparison.Ordinal) ? path[..path.IndexOf('/', StringComparison.Ordinal)] : ".";
            Namespace = NamespaceLine().Match(text) is { Success: true } match ? match.Groups["name"].Value : "";
            _visible = [.. UsingLine().Matches(text).Select(m => m.Groups["name"].Value)];
            for (var space = Namespace; space.Length > 0; space = space.Contains('.', StringComparison.Ordinal)
                ? space[..space.LastIndexOf('.')] : "")
            {
                _visible.Add(space);
            }

            _body = AnyUsing().Replace(text, "");
            Declares = [.. TypeName().Matches(text).Concat(ExtensionName().Matches(text)).Select(m => m.Groups["name"].Value)];
            Names = [.. Capitalized().Matches(_body).Select(m => m.Value)];
        }

        public string Path { get; }

        public string Folder { get; }

        public string Namespace { get; }

        public HashSet<string> Declares { get; }

        public HashSet<string> Names { get; }

        public bool Sees(string space, string name)
            => _visible.Contains(space) || _body.Contains($"{space[(space.LastIndexOf('.') + 1)..]}.{name}", StringComparison.Ordinal);
    }

    [GeneratedRegex("//.*", RegexOptions.None, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Comment();

    [GeneratedRegex(@"^namespace\s+(?<name>[\w.]+)\s*;", RegexOptions.Multiline | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 10_000)]
    private static partial Regex NamespaceLine();

    [GeneratedRegex(@"^using\s+(static\s+)?(\w+\s*=\s*)?(?<name>[\w.]+)\s*;", RegexOptions.Multiline | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 10_000)]
    private static partial Regex UsingLine();

    [GeneratedRegex("^using .*$", RegexOptions.Multiline, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex AnyUsing();

    [GeneratedRegex(
        @"^((public|internal|private|file|static|sealed|abstract|readonly|partial|unsafe|ref)[ \t]+)*(class|struct|interface|enum|record([ \t]+(struct|class))?|delegate[ \t]+[^\n(=]+?)[ \t]+(?<name>\w+)",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 10_000)]
    private static partial Regex TypeName();

    [GeneratedRegex(@"\bstatic\s[^\n=;]*?\b(?<name>\w+)(<[^>\n]*>)?\(\s*this\s", RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 10_000)]
    private static partial Regex ExtensionName();

    [GeneratedRegex(@"\b[A-Z]\w*", RegexOptions.None, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Capitalized();
}
