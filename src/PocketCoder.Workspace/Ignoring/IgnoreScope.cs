using Microsoft.Win32.SafeHandles;
using PocketCoder.Workspace.Beneath;

namespace PocketCoder.Workspace.Ignoring;

/// <summary>
/// Which things in a folder git would leave out: the <c>.gitignore</c> files from the project down to it, and <c>.git/info/exclude</c>. A
/// user's own global excludes are not read. Immutable.
/// </summary>
internal sealed class IgnoreScope
{
    private const string FileName = ".gitignore";

    private readonly IgnoreScope? _parent;
    private readonly int _prefix;
    private readonly IgnoreRules? _rules;
    private readonly IgnoreRules? _exclude;
    private readonly bool _inside;

    private IgnoreScope(IgnoreScope? parent, ProjectPath folder, IgnoreRules? rules, IgnoreRules? exclude, bool inside)
    {
        (_parent, _rules, _exclude, _inside) = (parent, rules, exclude, inside);
        _prefix = folder.IsRoot ? 0 : folder.Raw.Length + 1;
    }

    /// <summary>For what is in the project's own folder.</summary>
    public static IgnoreScope OfRoot(ProjectRoot root)
    {
        using var exclude = root.TryFind(new ProjectPath(".git/info/exclude"), follow: false, out _);
        using var file = exclude is { Stat.IsRegular: true } ? Libc.Reopen(exclude.Handle, 0) : null;
        return new IgnoreScope(null, ProjectPath.Root, Read(root.Handle), file is null ? null : Read(file, exclude!.Stat), inside: false);
    }

    /// <summary>For what is in any folder.</summary>
    /// <param name="folder">A real path: no link on the way.</param>
    public static IgnoreScope Of(ProjectRoot root, ProjectPath folder)
    {
        var scope = OfRoot(root);
        var at = ProjectPath.Root;
        foreach (var name in folder.Names)
        {
            at /= name;
            using var node = root.TryFind(at, follow: false, out _);
            scope = scope.Enter(at, node?.Handle);
        }

        return scope;
    }

    /// <summary>For what is in a folder of this one.</summary>
    /// <param name="handle">Of that folder, also O_PATH; null: it can't be read.</param>
    public IgnoreScope Enter(ProjectPath folder, SafeFileHandle? handle)
    {
        var inside = IsIgnored(folder, folder: true);
        var rules = inside || handle is null ? null : Read(handle);
        return rules is null && inside == _inside ? this : new IgnoreScope(this, folder, rules, null, inside);
    }

    public bool IsIgnored(ProjectPath path, bool folder)
    {
        if (_inside || path.Name == ".git")
        {
            return true;
        }

        var scope = this;
        while (true)
        {
            if (scope._rules?.IsIgnored(path.Raw.AsSpan(scope._prefix), folder) is { } said)
            {
                return said;
            }

            if (scope._parent is null)
            {
                return scope._exclude?.IsIgnored(path.Raw, folder) ?? false;
            }

            scope = scope._parent;
        }
    }

    /// <summary>The rules of a folder's file; git doesn't follow a link there either.</summary>
    private static IgnoreRules? Read(SafeFileHandle folder)
    {
        using var file = Libc.Open(folder, FileName, Libc.NonBlocking);
        return file is not null && Libc.Stat(file) is { IsRegular: true } stat ? Read(file, stat) : null;
    }

    private static IgnoreRules? Read(SafeFileHandle file, NodeStat stat)
    {
        if (stat.Size > IgnoreRules.MaxBytes)
        {
            return null;
        }

        try
        {
            var bytes = new byte[stat.Size];
            return IgnoreRules.Parse(bytes.AsSpan(0, RandomAccess.Read(file, bytes, 0)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // then nothing is ignored by it: only a mark
        }
    }
}
