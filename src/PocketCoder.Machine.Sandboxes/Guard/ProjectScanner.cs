using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using PocketCoder.Git;
using PocketCoder.Machine.Paths;
using PocketCoder.Risks.Paths;
using PocketCoder.Workspace.Beneath;

namespace PocketCoder.Machine.Guard;

/// <summary>
/// Looks a project through for what decides which programs git and other tools run: every repository in it, by its name or by its looks,
/// and the files of <see cref="ProtectedPaths"/>. By directory handles, no link followed, names as bytes. Runs nothing. One scan, one
/// scanner.
/// </summary>
/// <param name="root">The project's folder.</param>
/// <param name="open">That folder, open.</param>
internal sealed class ProjectScanner(string root, OpenFolders open) : IDisposable
{
    private const int MaxDepth = 200;
    private const int MaxEntries = 1_000_000;
    private const int MaxRepositories = 2_000;
    private const int MaxFiles = 5_000;
    private const int MaxScripts = 200;
    private const int BufferBytes = 32 * 1024;
    private const byte IsFolder = 4, IsUnknown = 0;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(10);

    /// <summary>Of every repository, by name in its folder.</summary>
    private static readonly (string Name, GuardedKind Kind)[] s_files =
    [
        ("commondir", GuardedKind.Redirect), ("gitdir", GuardedKind.Redirect), ("config", GuardedKind.Settings),
        ("config.worktree", GuardedKind.Settings), ("HEAD", GuardedKind.Head),
        ("info/attributes", GuardedKind.Attributes), ("objects/info/alternates", GuardedKind.Alternates),
        ("objects/info/http-alternates", GuardedKind.Alternates),
    ];

    /// <summary>Folders of a repository; one that is a link leads elsewhere.</summary>
    private static readonly string[] s_folders = ["objects", "refs", "hooks", "info", "modules", "worktrees"];

    private readonly ProjectScan _scan = new();
    private readonly OpenFolders _folders = open;
    private readonly byte[] _buffer = new byte[BufferBytes];
    private readonly long _began = Stopwatch.GetTimestamp();
    private int _entries;

    /// <param name="known">Repositories of an earlier scan: they are looked at also when they look like none any more.</param>
    /// <param name="whole">Else only the project's own repository, and whether the project looks like a bare one.</param>
    /// <exception cref="IOException">The project's folder can't be opened.</exception>
    public static ProjectScan Run(string root, IEnumerable<TreePath>? known = null, bool whole = true)
    {
        using var scanner = new ProjectScanner(root, OpenFolders.Of(root));
        return scanner.Scan(known ?? [], whole);
    }

    public void Dispose() => _folders.Dispose();

    private ProjectScan Scan(IEnumerable<TreePath> known, bool whole)
    {
        LookForGit(TreePath.Root);
        if (whole)
        {
            Walk();
        }
        else
        {
            LookForBare(TreePath.Root);
        }

        foreach (var repository in known)
        {
            if (!_scan.Repositories.ContainsKey(repository) && _folders.Find(repository) is not null && (whole || IsOwn(repository)))
            {
                AddRepository(repository, bare: repository.Name != ".git");
            }
        }

        return _scan;
    }

    /// <summary>Whether a path belongs to what is looked at when not the whole is.</summary>
    public static bool IsOwn(TreePath path)
        => path.Raw.Length == 0 || path.Raw == ".git" || path.Raw.StartsWith(".git/", StringComparison.Ordinal)
            || !path.Raw.Contains('/', StringComparison.Ordinal)
            || path.Raw.StartsWith("hooks/", StringComparison.Ordinal)
            || path.Raw is "info/attributes" or "objects/info/alternates" or "objects/info/http-alternates";

    private void Walk()
    {
        var folders = new Stack<(TreePath Path, int Depth)>([(TreePath.Root, 0)]);
        while (folders.TryPop(out var next))
        {
            if (Stopwatch.GetElapsedTime(_began) > s_limit || _entries > MaxEntries)
            {
                Miss("the project is too large to be looked through");
                return;
            }

            if (next.Depth > MaxDepth)
            {
                Miss($"{next.Path.Raw.Split('/')[0]} is nested too deep to be looked through");
                continue;
            }

            if (next.Depth > 0)
            {
                LookForGit(next.Path); // also where names can't be listed: git finds it by its name
            }

            var (head, objects, refs) = (false, false, false);
            var listed = List(next.Path, (name, type) =>
            {
                head |= name == "HEAD";
                objects |= name == "objects";
                refs |= name == "refs";
                if (name == ".git" || IsTool(next.Path, name, type))
                {
                    return;
                }

                if (name == ".gitmodules")
                {
                    Add(next.Path / name, GuardedKind.Settings, next.Path / name);
                }
                else if (name == "package.json")
                {
                    AddScripts(next.Path / name);
                }
                else if (type == IsFolder || (type == IsUnknown && _folders.Find(next.Path / name) is not null))
                {
                    folders.Push((next.Path / name, next.Depth + 1));
                }
            });
            if (!listed && next.Depth > 0 && _folders.Find(next.Path) is not null)
            {
                Miss($"{next.Path.Shown} can't be read");
            }

            if (head && objects && refs)
            {
                LookForBare(next.Path);
            }
        }
    }

    private bool IsTool(TreePath folder, string name, byte type)
    {
        if (!ProtectedPaths.Covers(name) || _scan.Files.Count > MaxFiles)
        {
            return false;
        }

        if (type != IsFolder && !(type == IsUnknown && _folders.Find(folder / name) is not null))
        {
            Add(folder / name, GuardedKind.Tool, folder / name);
            return true;
        }

        var within = new Stack<TreePath>([folder / name]);
        while (within.TryPop(out var next) && _scan.Files.Count <= MaxFiles)
        {
            LookForGit(next);
            List(next, (child, kind) =>
            {
                if (kind == IsFolder && child != ".git" && next.Raw.Count(c => c == '/') < MaxDepth)
                {
                    within.Push(next / child);
                }
                else if (child != ".git" && _scan.Files.Count <= MaxFiles)
                {
                    Add(next / child, GuardedKind.Tool, next / child);
                }
            });
        }

        return true;
    }

    /// <summary>A folder's <c>.git</c>, whatever it is.</summary>
    private void LookForGit(TreePath folder)
    {
        if (_folders.Find(folder) is not { } handle || Unix.Stat(handle, ".git") is not { } stat)
        {
            return;
        }

        if (stat.IsDirectory)
        {
            AddRepository(folder / ".git", bare: false);
            return;
        }

        Add(folder / ".git", GuardedKind.Redirect, folder / ".git");
        if (_scan.Files.TryGetValue(folder / ".git", out var file) && Redirects.Target(root, folder / ".git", file.State) is { } target
            && _folders.Find(target) is not null)
        {
            AddRepository(target, bare: false);
        }
    }

    /// <summary>A folder that git takes for a repository by what is in it (is_git_directory() in setup.c).</summary>
    private void LookForBare(TreePath folder)
    {
        if (_folders.Find(folder) is { } handle && Unix.Stat(handle, "objects") is { IsRegular: false }
            && Unix.Stat(handle, "refs") is { IsRegular: false }
            && FileState.Of(handle, "HEAD") is { } head && Redirects.IsHead(head))
        {
            AddRepository(folder, bare: true);
        }
    }

    private void AddRepository(TreePath folder, bool bare)
    {
        if (_scan.Repositories.Count >= MaxRepositories)
        {
            Miss($"there are more than {MaxRepositories} repositories");
            return;
        }

        if (!_scan.Repositories.TryAdd(folder, bare))
        {
            return;
        }

        foreach (var (name, kind) in s_files)
        {
            Add(folder / name, kind, folder);
        }

        foreach (var name in s_folders)
        {
            if (_folders.Find(folder) is { } handle && Unix.Stat(handle, name) is { } stat
                && (stat.IsDirectory ? name is "objects" or "refs" : true))
            {
                Add(folder / name, stat.IsDirectory ? GuardedKind.Folder : GuardedKind.Redirect, folder);
            }
        }

        AddIncluded(folder / "config", folder, 0);
        AddIncluded(folder / "config.worktree", folder, 0);
        AddHooks(folder / "hooks", folder);
        foreach (var path in HookFolders(folder))
        {
            AddHooks(path, folder);
        }

        if (_scan.Files.TryGetValue(folder / "commondir", out var shared)
            && Redirects.Target(root, folder / "commondir", shared.State) is { } common && _folders.Find(common) is not null)
        {
            AddRepository(common, bare: false);
        }

        AddModules(folder / "modules", 0);
        List(folder / "worktrees", (name, _) =>
        {
            if (_folders.Find(folder / "worktrees" / name) is not null)
            {
                AddRepository(folder / "worktrees" / name, bare: false);
            }
        });
    }

    private void AddModules(TreePath folder, int depth)
    {
        const int deepest = 16; // a submodule's name may have slashes
        List(folder, (name, _) =>
        {
            var path = folder / name;
            if (_folders.Find(path) is not { } handle)
            {
                return;
            }

            if (Unix.Stat(handle, "HEAD") is not null || Unix.Stat(handle, "config") is not null
                || Unix.Stat(handle, "commondir") is not null)
            {
                AddRepository(path, bare: false);
            }
            else if (depth < deepest)
            {
                AddModules(path, depth + 1);
            }
        });
    }

    /// <summary>Where the repository's settings say that its hooks are, as far as that is in the project.</summary>
    private IEnumerable<TreePath> HookFolders(TreePath repository)
    {
        foreach (var file in _scan.Files.Values.Where(
            f => f.Kind == GuardedKind.Settings && f.Repository == repository && f.State.Content is not null).ToList())
        {
            foreach (var path in Redirects.Hooks(
                root, repository.Name == ".git" ? repository.Parent : repository, GitSettings.Parse(file.State.Content) ?? []))
            {
                yield return path;
            }
        }
    }

    /// <summary>Files of the project that the repository's settings take in: they are settings too.</summary>
    private void AddIncluded(TreePath settings, TreePath repository, int depth)
    {
        const int deepest = 5;
        if (depth > deepest || !_scan.Files.TryGetValue(settings, out var file) || file.State.Content is not { } text)
        {
            return;
        }

        foreach (var path in Redirects.Included(root, settings.Parent, GitSettings.Parse(text) ?? []))
        {
            if (!_scan.Files.ContainsKey(path))
            {
                Add(path, GuardedKind.Settings, repository);
                AddIncluded(path, repository, depth + 1);
            }
        }
    }

    private void AddHooks(TreePath folder, TreePath repository) => List(folder, (name, type) =>
    {
        if (type != IsFolder && !name.EndsWith(".sample", StringComparison.Ordinal))
        {
            Add(folder / name, GuardedKind.Hook, repository);
        }
    });

    private void AddScripts(TreePath path)
    {
        if (_scan.Scripts.Count >= MaxScripts || path.Raw.Contains("node_modules/", StringComparison.Ordinal)
            || _folders.Find(path.Parent) is not { } folder || FileState.Of(folder, path.Name) is not { Type: 'f', Content: { } text })
        {
            return;
        }

        try
        {
            using var package = JsonDocument.Parse(text);
            if (package.RootElement.ValueKind == JsonValueKind.Object && package.RootElement.TryGetProperty("scripts", out var scripts))
            {
                _scan.Scripts[path] = scripts.GetRawText();
            }
        }
        catch (JsonException)
        {
            // No package manager runs what it can't read.
        }
    }

    private void Add(TreePath path, GuardedKind kind, TreePath repository)
    {
        if (_scan.Files.Count > 2 * MaxFiles)
        {
            Miss("there are too many files of configuration");
            return;
        }

        if (_folders.Find(path.Parent) is { } folder && FileState.Of(folder, path.Name) is { } state
            && (state.Type != 'd' || kind == GuardedKind.Folder))
        {
            _scan.Files.TryAdd(path, new GuardedFile(kind, repository, state));
        }
    }

    /// <summary>Names in a folder, as bytes, with getdents' type. False when it can't be read.</summary>
    private bool List(TreePath folder, Action<string, byte> visit)
    {
        using var handle = Open(folder);
        if (handle is null)
        {
            return false;
        }

        var found = new List<(string Name, byte Type)>();
        for (int read; (read = Libc.ReadEntries(handle, _buffer)) > 0;)
        {
            for (var at = 0; at < read; at += BinaryPrimitives.ReadUInt16LittleEndian(_buffer.AsSpan(at + 16)))
            {
                var name = _buffer.AsSpan(at + 19);
                name = name[..name.IndexOf((byte)0)];
                if (!name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8))
                {
                    found.Add((Encoding.Latin1.GetString(name), _buffer[at + 18]));
                }
            }

            if (found.Count > MaxEntries)
            {
                break;
            }
        }

        _entries += found.Count;
        foreach (var (name, type) in found)
        {
            visit(name, type);
        }

        return true;
    }

    private SafeFileHandle? Open(TreePath folder)
        => folder.Raw.Length == 0 ? Libc.Open(root, Libc.DirectoryOnly) : _folders.Find(folder.Parent) is { } parent
            ? Libc.Open(parent, folder.Name, Libc.DirectoryOnly) : null;

    private void Miss(string why)
    {
        if (_scan.Unseen.Count < 5 && !_scan.Unseen.Contains(why, StringComparer.Ordinal))
        {
            _scan.Unseen.Add(why);
        }
    }
}
