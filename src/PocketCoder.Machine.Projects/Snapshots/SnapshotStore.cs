using System.Globalization;
using System.Text;
using PocketCoder.Machine.Paths;
using PocketCoder.Machine.Snapshots.Git;
using PocketCoder.Platform;

namespace PocketCoder.Machine.Snapshots;

/// <summary>A snapshot that was taken.</summary>
/// <param name="Commit">Names it in the store.</param>
/// <param name="Seen">The files as they were looked at.</param>
/// <param name="Unlisted">What is not covered, beside what is ignored and too large.</param>
internal sealed record TakenSnapshot(string Commit, SeenProject Seen, IReadOnlyList<string> Unlisted);

/// <summary>
/// The snapshots of one project: a bare git repository of our own beside the daemon's database, never the project's. One caller at a time.
/// A crash at any moment leaves it usable: a snapshot is there when its ref is.
/// </summary>
/// <param name="directory">The store; made at first use.</param>
/// <param name="project">Absolute, without links.</param>
/// <param name="excluded">The daemon's home relative to the project, where a project holds it.</param>
internal sealed class SnapshotStore(string directory, string project, string? excluded, SnapshotLimits limits, TimeProvider time)
{
    private const string Refs = "refs/snapshots/";
    private const string ConfigurationMark = "# written by PocketCoder";

    /// <summary>Kernel clocks tick a few milliseconds; this is a wide margin.</summary>
    private static readonly TimeSpan s_tick = TimeSpan.FromSeconds(1);

    private readonly GitProcess _git = new(directory, time);
    private SeenProject? _last;
    private bool _open;

    public string Project { get; } = project;

    public GitProcess Git => _git;

    private string State => Path.Combine(directory, "seen");

    /// <summary>Takes a snapshot of the project as it is.</summary>
    /// <exception cref="SnapshotException">Why there is none.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public async Task<TakenSnapshot> TakeAsync(CancellationToken cancellationToken)
    {
        try
        {
            await OpenAsync(cancellationToken);
            var limit = _last is null ? limits.FirstTime : limits.Time;
            using var timed = new CancellationTokenSource(limit, time);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(timed.Token, cancellationToken);
            try
            {
                return await TakeOnceAsync(limit, both.Token);
            }
            catch (SnapshotException) when (_last is not null && !both.IsCancellationRequested)
            {
                // What it was to start from may be gone: once more, from nothing. A real obstacle fails again.
                _last = null;
                return await TakeOnceAsync(limit, both.Token);
            }
            catch (OperationCanceledException e) when (timed.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
            {
                throw new SnapshotException($"it took longer than {limit.TotalSeconds:0} s", e);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SnapshotException(e.Message, e);
        }
    }

    /// <summary>A snapshot that was taken before.</summary>
    /// <exception cref="SnapshotException">It is not there any more.</exception>
    public async Task<SnapshotTree> LoadAsync(string commit, CancellationToken cancellationToken)
    {
        await OpenAsync(cancellationToken);
        if (_last?.Commit == commit)
        {
            return _last.Tree;
        }

        var listed = new List<(string Mode, string Oid, string Path)>();
        string? manifest = null;
        await _git.OnStoreAsync(
            ["ls-tree", "-r", "-z", "--full-tree", commit],
            null,
            async (output, token) =>
            {
                await foreach (var line in ZeroText.ReadAsync(output, token))
                {
                    // "100644 blob <oid>\t<path>"
                    var (head, path) = (line[..line.IndexOf('\t', StringComparison.Ordinal)].Split(' '),
                        line[(line.IndexOf('\t', StringComparison.Ordinal) + 1)..]);
                    if (path == StoreText.Manifest)
                    {
                        manifest = head[2];
                    }
                    else
                    {
                        listed.Add((head[0], head[2], path[StoreText.Files.Length..]));
                    }
                }
            },
            limits.Time,
            cancellationToken);
        byte[]? text = null;
        await ReadAsync([manifest ?? throw new SnapshotException("a snapshot has no manifest")], async (_, size, content, token) =>
        {
            text = new byte[size];
            await content.ReadExactlyAsync(text, token);
        }, cancellationToken);
        return StoreText.Read(listed, text!);
    }

    /// <summary>Reads contents, in the order asked for.</summary>
    /// <param name="take">Gets the name, the size, and a stream of just that; it need not read all of it.</param>
    /// <exception cref="SnapshotException">One is not there.</exception>
    public Task ReadAsync(IReadOnlyList<string> objects, Func<string, long, Stream, CancellationToken, Task> take,
        CancellationToken cancellationToken)
        => _git.OnStoreAsync(
            ["cat-file", "--batch"],
            async (input, token) =>
            {
                foreach (var name in objects)
                {
                    await input.WriteAsync(Encoding.ASCII.GetBytes(name + '\n'), token);
                }
            },
            async (output, token) =>
            {
                var buffered = new BufferedStream(output, 64 * 1024);
                foreach (var name in objects)
                {
                    // "<oid> blob <size>\n<content>\n"
                    if (await ReadLineAsync(buffered, token) is not { } line || line.Split(' ') is not [_, "blob", var size])
                    {
                        throw new SnapshotException("a content is missing in the store");
                    }

                    var content = new PartStream(buffered, long.Parse(size, CultureInfo.InvariantCulture));
                    await take(name, content.Length, content, token);
                    await content.SkipAsync(token);
                    await ReadLineAsync(buffered, token);
                }
            },
            limits.FirstTime,
            cancellationToken);

    /// <summary>
    /// Forgets snapshots that nobody refers to any more, and now and then packs the store. The last one is always kept: the next starts
    /// from it.
    /// </summary>
    /// <exception cref="SnapshotException">git failed; nothing that is needed is lost.</exception>
    public async Task PruneAsync(IReadOnlySet<string> keep, CancellationToken cancellationToken, bool everything = false)
    {
        await OpenAsync(cancellationToken);
        var forget = new List<string>();
        await _git.OnStoreAsync(
            ["for-each-ref", "--format=%(objectname) %(refname)%00", Refs],
            null,
            async (output, token) =>
            {
                await foreach (var line in ZeroText.ReadAsync(output, token))
                {
                    if (line.Trim().Split(' ') is [var commit, var name] && !keep.Contains(commit) && commit != _last?.Commit)
                    {
                        forget.Add(name);
                    }
                }
            },
            limits.PruneTime,
            cancellationToken);
        if (forget.Count > 0)
        {
            await _git.OnStoreAsync(
                ["update-ref", "-z", "--stdin"],
                async (input, token) => await input.WriteAsync(
                    Encoding.Latin1.GetBytes(string.Concat(forget.Select(f => $"delete {f}\0\0"))), token),
                null,
                limits.PruneTime,
                cancellationToken);
        }

        foreach (var left in Directory.EnumerateFiles(directory, "fast_import_crash_*"))
        {
            File.Delete(left);
        }

        if (everything || Directory.EnumerateFiles(Path.Combine(directory, "objects", "pack"), "*.pack").Count() >= limits.Packs)
        {
            await _git.OnStoreAsync(["repack", "-a", "-d", "-q"], null, null, limits.PruneTime, cancellationToken);
            // also what a killed import left
            await _git.OnStoreAsync(["prune", "--expire=now"], null, null, limits.PruneTime, cancellationToken);
        }
    }

    private static async Task<string?> ReadLineAsync(Stream stream, CancellationToken cancellationToken)
    {
        var line = new StringBuilder();
        var one = new byte[1];
        while (await stream.ReadAsync(one, cancellationToken) > 0)
        {
            if (one[0] == '\n')
            {
                return line.ToString();
            }

            line.Append((char)one[0]);
            if (line.Length > 256)
            {
                break;
            }
        }

        return null;
    }

    private async Task OpenAsync(CancellationToken cancellationToken)
    {
        if (_open)
        {
            return;
        }

        var configuration = Path.Combine(directory, "config");
        if (!File.Exists(configuration)
            || !(await File.ReadAllTextAsync(configuration, cancellationToken)).StartsWith(ConfigurationMark, StringComparison.Ordinal))
        {
            PrivateFolder.Make(directory);
            await _git.OnStoreAsync(
                ["init", "--bare", "--quiet", "--object-format=sha256", "--template="], null, null, limits.Time, cancellationToken);
            Directory.CreateDirectory(Path.Combine(directory, "info"));
            PrivateFile.Replace(configuration, Encoding.UTF8.GetBytes(Configuration)); // last: from here on it is made
        }

        _last ??= StateFile.Read(State);
        _open = true;
    }

    private async Task<TakenSnapshot> TakeOnceAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        // the kernel's clock, whatever ours is
        var trustBefore = (TimeProvider.System.GetUtcNow() - s_tick - DateTimeOffset.UnixEpoch).Ticks * 100;
        var unlisted = new List<string>();
        using var folders = OpenFolders.Of(Project);
        var reader = new WorkspaceReader(folders, limits, trustBefore);

        // What was covered stays covered while it is there, whatever .gitignore says by now: else writing one would hide everything from
        // the next snapshot. So git need not have named it, and it is looked at while git lists.
        var listing = new WorkspaceLister(_git, Project, excluded, limits).ListAsync(unlisted, limit, cancellationToken);
        Dictionary<TreePath, SeenFile> files;
        HashSet<TreePath> paths;
        try
        {
            files = LookAtKnown(reader, cancellationToken);
        }
        finally
        {
            paths = await listing; // it has a process, which must have ended
        }

        LookAtNew(reader, files, paths, cancellationToken);
        var toRead = new List<TreePath>();
        foreach (var (path, seen) in files)
        {
            if (seen.Entry.Oid is { Length: 0 })
            {
                toRead.Add(path);
            }
        }

        var taken = await ImportAsync(reader, files, toRead, limit, cancellationToken);
        if (!ReferenceEquals(taken, _last))
        {
            _last = taken;
            StateFile.Write(State, taken);
        }

        return new TakenSnapshot(taken.Commit, taken, unlisted);
    }

    /// <summary>The files of the last snapshot that are still there, in their order.</summary>
    private Dictionary<TreePath, SeenFile> LookAtKnown(WorkspaceReader reader, CancellationToken cancellationToken)
    {
        var files = new Dictionary<TreePath, SeenFile>(_last?.Files.Count ?? 0);
        foreach (var (path, before) in _last?.Files ?? new Dictionary<TreePath, SeenFile>())
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (reader.Look(path, before) is { } seen)
            {
                files[path] = seen;
            }
        }

        return files;
    }

    /// <summary>What git lists beside them. All are in the order of their paths then, so that a folder is opened once.</summary>
    private static void LookAtNew(
        WorkspaceReader reader, Dictionary<TreePath, SeenFile> files, HashSet<TreePath> paths, CancellationToken cancellationToken)
    {
        var known = files.Count;
        foreach (var path in paths.Where(p => !files.ContainsKey(p)).OrderBy(p => p.Raw, StringComparer.Ordinal).ToList())
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (reader.Look(path, null) is { } seen)
            {
                files[path] = seen;
            }
        }

        if (known > 0 && files.Count > known)
        {
            var sorted = files.OrderBy(f => f.Key.Raw, StringComparer.Ordinal).ToList();
            files.Clear();
            foreach (var (path, seen) in sorted)
            {
                files[path] = seen;
            }
        }
    }

    /// <summary>Puts what is new into the store. git is not started when nothing is.</summary>
    private async Task<SeenProject> ImportAsync(
        WorkspaceReader reader, Dictionary<TreePath, SeenFile> files, List<TreePath> toRead, TimeSpan limit,
        CancellationToken cancellationToken)
    {
        if (toRead.Count == 0 && _last is not null && Changes(_last.Files, files) is { Gone.Count: 0, Put.Count: 0, Manifest: false })
        {
            // Not even a time stamp moved: then what is remembered need not be written again.
            return _last.Files.Count == files.Count && files.All(f => _last.Files.TryGetValue(f.Key, out var before) && before == f.Value)
                ? _last : _last with { Files = files };
        }

        var name = Refs + Guid.CreateVersion7().ToString("N");
        var answers = new List<string>();
        var unchanged = false;
        await _git.OnStoreAsync(
            ["fast-import", "--quiet", "--done"],
            async (input, token) =>
            {
                await WriteContentsAsync(input, reader, files, toRead, token);
                var (gone, put, manifest) = Changes(_last?.Files, files);
                unchanged = _last is not null && gone.Count == 0 && put.Count == 0 && !manifest;
                if (!unchanged)
                {
                    await WriteCommitAsync(input, name, gone, put, files, token);
                }

                await input.WriteAsync("done\n"u8.ToArray(), token);
            },
            async (output, token) =>
            {
                using var lines = new StreamReader(output, Encoding.ASCII);
                while (await lines.ReadLineAsync(token) is { } line)
                {
                    answers.Add(line);
                }
            },
            limit,
            cancellationToken);
        if (unchanged)
        {
            return _last! with { Files = files };
        }

        // "040000 tree <oid>\t", then the commit's name.
        return answers is [var tree, var commit] && tree.Split(' ', '\t') is [_, "tree", var root, ..]
            ? new SeenProject(commit, root, files)
            : throw new SnapshotException("git said something that can't be read");
    }

    private async Task WriteContentsAsync(Stream input, WorkspaceReader reader, Dictionary<TreePath, SeenFile> files, List<TreePath> toRead,
        CancellationToken cancellationToken)
    {
        foreach (var path in toRead)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (reader.Read(path) is not { } content)
            {
                files.Remove(path); // gone meanwhile
                continue;
            }

            files[path] = content.File;
            if (content.File.Entry.Oid is { } oid && !(_last?.Files.TryGetValue(path, out var before) == true && before.Entry.Oid == oid))
            {
                await input.WriteAsync(Encoding.ASCII.GetBytes(
                    string.Create(CultureInfo.InvariantCulture, $"blob\ndata {content.Length}\n")), cancellationToken);
                await input.WriteAsync(content.Bytes.AsMemory(0, content.Length), cancellationToken);
                input.WriteByte((byte)'\n');
            }
        }
    }

    private async Task WriteCommitAsync(
        Stream input, string name, List<TreePath> gone, List<TreePath> put, Dictionary<TreePath, SeenFile> files,
        CancellationToken cancellationToken)
    {
        // No parent: what is pruned must not be held by what is kept.
        var manifest = StoreText.WriteManifest(files.ToDictionary(f => f.Key, f => f.Value.Entry));
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"blob\nmark :1\ndata {manifest.Length}\n");
        await Flush();
        await input.WriteAsync(manifest, cancellationToken);
        text.Append(CultureInfo.InvariantCulture,
            $"\ncommit {name}\nmark :2\ncommitter PocketCoder <pocketcoder@localhost> {time.GetUtcNow().ToUnixTimeSeconds()} +0000\ndata 0\n");
        if (_last is not null)
        {
            text.Append(CultureInfo.InvariantCulture, $"M 040000 {_last.RootTree} \"\"\n");
        }

        foreach (var path in gone)
        {
            text.Append("D ").Append(StoreText.Quote(StoreText.Files + path.Raw)).Append('\n');
        }

        foreach (var path in put)
        {
            var entry = files[path].Entry;
            text.Append(CultureInfo.InvariantCulture,
                $"M {StoreText.GitMode(entry)} {entry.Oid} {StoreText.Quote(StoreText.Files + path.Raw)}\n");
            if (text.Length > 64 * 1024)
            {
                await Flush();
            }
        }

        text.Append(CultureInfo.InvariantCulture, $"M 100644 :1 {StoreText.Manifest}\nls \"\"\n\nget-mark :2\n");
        await Flush();

        async Task Flush()
        {
            await input.WriteAsync(Encoding.ASCII.GetBytes(text.ToString()), cancellationToken);
            text.Clear();
        }
    }

    /// <summary>What git's tree must lose and get, and whether something changed that only the manifest has.</summary>
    private static (List<TreePath> Gone, List<TreePath> Put, bool Manifest) Changes(
        IReadOnlyDictionary<TreePath, SeenFile>? last, Dictionary<TreePath, SeenFile> files)
    {
        var (gone, put, manifest) = (new List<TreePath>(), new List<TreePath>(), false);
        foreach (var (path, file) in last ?? new Dictionary<TreePath, SeenFile>())
        {
            if (!files.TryGetValue(path, out var now) || now.Entry.Oid is null)
            {
                (file.Entry.Oid is null ? new List<TreePath>() : gone).Add(path);
                manifest |= now.Entry != file.Entry;
            }
        }

        foreach (var (path, file) in files)
        {
            var before = last is not null && last.TryGetValue(path, out var known) ? known.Entry : (TreeEntry?)null;
            if (file.Entry.Oid is null)
            {
                manifest |= before is not { Oid: null } left || left.Size != file.Entry.Size;
            }
            else if (before is not { } same || !same.Same(file.Entry))
            {
                put.Add(path);
            }
        }

        return (gone, put, manifest);
    }

    private const string Configuration =
        $"""
        {ConfigurationMark}: nothing here comes from a project or a person, and nothing may run
        [core]
            repositoryformatversion = 1
            bare = true
            hooksPath = /dev/null
            fsmonitor = false
            untrackedCache = false
            excludesFile = /dev/null
            attributesFile = /dev/null
            autocrlf = false
            symlinks = true
            ignoreCase = false
            protectHFS = false
            protectNTFS = false
            fsync = committed,loose-object,reference
        [extensions]
            objectFormat = sha256
        [fastimport]
            unpackLimit = 1
        [gc]
            auto = 0
        [maintenance]
            auto = false
        [pack]
            threads = 1
            window = 4
        """ + "\n";
}
