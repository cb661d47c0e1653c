using System.Text;
using PocketCoder.Git;
using PocketCoder.Machine.Paths;

namespace PocketCoder.Machine.Guard;

/// <summary>Where git's files that point elsewhere lead (gitrepository-layout(5)). Pure; whether something is there is not asked.</summary>
internal static class Redirects
{
    private const int MaxHead = 4096;

    /// <summary>
    /// Where a <c>.git</c> file or link, or a <c>commondir</c>, leads within the project; null: nowhere, or outside of it.
    /// </summary>
    /// <param name="root">The project's folder.</param>
    public static TreePath? Target(string root, TreePath path, FileState state)
    {
        if (state is not { Type: 'f' or 'l', Content: { } content })
        {
            return null;
        }

        var text = Encoding.Latin1.GetString(content);
        if (state.Type == 'f')
        {
            if (path.Name == ".git")
            {
                const string mark = "gitdir:";
                if (!text.StartsWith(mark, StringComparison.Ordinal))
                {
                    return null;
                }

                text = text[mark.Length..].TrimStart(' ');
            }

            text = text.TrimEnd('\n', '\r');
        }

        return Within(root, path.Parent, text);
    }

    /// <summary>A path that is relative to a folder of the project, or absolute, within the project; null: outside.</summary>
    public static TreePath? Within(string root, TreePath folder, string path)
    {
        var project = TreePath.OfText(root.TrimEnd('/')).Raw;
        if (path.StartsWith('/'))
        {
            if (path != project && !path.StartsWith(project + "/", StringComparison.Ordinal))
            {
                return null;
            }

            (folder, path) = (TreePath.Root, path[project.Length..]);
        }

        var names = folder.Raw.Length == 0 ? new List<string>() : [.. folder.Raw.Split('/')];
        var named = false;
        foreach (var name in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (name == ".." && (named || names.Count == 0))
            {
                return null; // after a name, which may be a link, the kernel may go up from somewhere else
            }

            if (name == "..")
            {
                names.RemoveAt(names.Count - 1);
            }
            else if (name != ".")
            {
                names.Add(name);
                named = true;
            }
        }

        return new TreePath(string.Join('/', names));
    }

    /// <summary>Files of the project that settings take in (git-config(1), <em>Includes</em>), whatever the condition.</summary>
    /// <param name="folder">Of the file with the settings.</param>
    public static IEnumerable<TreePath> Included(string root, TreePath folder, IEnumerable<GitSetting> settings) => settings
        .Where(s => s.Value is not null && s.Key.EndsWith(".path", StringComparison.Ordinal)
            && (s.Key.StartsWith("include.", StringComparison.Ordinal) || s.Key.StartsWith("includeif.", StringComparison.Ordinal)))
        .Select(s => Within(root, folder, s.Value!))
        .Where(p => p is { Raw.Length: > 0 })
        .Select(p => p!.Value);

    /// <summary>Folders of the project that settings name for hooks.</summary>
    /// <param name="tree">The working tree, which a relative path is relative to.</param>
    public static IEnumerable<TreePath> Hooks(string root, TreePath tree, IEnumerable<GitSetting> settings) => settings
        .Where(s => s is { Key: "core.hookspath", Value: not null })
        .Select(s => Within(root, tree, s.Value!))
        .Where(p => p is { Raw.Length: > 0 })
        .Select(p => p!.Value);

    /// <summary>Whether git takes it for a <c>HEAD</c> (validate_headref() in path.c).</summary>
    public static bool IsHead(FileState state)
    {
        if (state.Content is not { Length: <= MaxHead } content)
        {
            return false;
        }

        var text = Encoding.Latin1.GetString(content);
        return state.Type == 'l'
            ? text.StartsWith("refs/", StringComparison.Ordinal)
            : text.StartsWith("ref:", StringComparison.Ordinal)
                ? text[4..].TrimStart().StartsWith("refs/", StringComparison.Ordinal)
                : text.TrimEnd() is { Length: >= 40 } name && name.Take(40).All(char.IsAsciiHexDigit);
    }
}
