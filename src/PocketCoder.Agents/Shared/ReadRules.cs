using PocketCoder.Processes;

namespace PocketCoder.Agents.Shared;

/// <summary>What becomes of a reading.</summary>
internal enum ReadPlace
{
    /// <summary>There is no such path: a circle of links, a NUL.</summary>
    Nowhere,

    /// <summary>In the project, or sent with a prompt: nobody is asked.</summary>
    Free,

    /// <summary>Elsewhere.</summary>
    Outside,

    /// <summary>PocketCoder's own files: never, asked or not.</summary>
    Closed,
}

/// <param name="Real">Absolute, links followed; empty for <see cref="ReadPlace.Nowhere"/>.</param>
internal readonly record struct ReadVerdict(ReadPlace Place, string Real);

/// <summary>
/// Where agents' tools may read, for all agents: links followed as the kernel would. A look, not a lock: whoever reads by itself opens what
/// was looked at by <see cref="TextFile.ReadPlain"/>, and whoever lets an agent read looks again when it was allowed. Immutable.
/// </summary>
internal sealed class ReadRules
{
    public const string ClosedWords =
        "These are PocketCoder's own files (keys, ledger, logs). No tool of an agent reads them, and nobody can allow it.";

    /// <summary>Files of the closed folders that a second name is compared with; more are not kept there directly.</summary>
    private const int MostFiles = 4096;

    private readonly string _workingDirectory;
    private readonly string _project;
    private readonly string? _root;
    private readonly string? _sent;
    private readonly string? _home;
    private readonly IReadOnlyList<string> _closed;
    private readonly IReadOnlyList<string> _open;

    /// <param name="agentHome">What <c>~</c> means to the agent; null: nothing.</param>
    public ReadRules(AgentStart start, string? agentHome = null)
    {
        (_workingDirectory, _project) = (start.WorkingDirectory, start.Project);
        _root = ConfinedPath.Resolve("/", _project);
        _sent = start.AttachmentsDirectory is { } folder ? ConfinedPath.Resolve("/", folder) : null;
        _home = agentHome;
        _closed = [.. start.ClosedFolders.Select(f => ConfinedPath.Resolve("/", f)).OfType<string>()];
        _open = [.. new[] { _root, _sent,
            start.Sandbox?.StateDirectory is { } state ? ConfinedPath.Resolve("/", state) : null }.OfType<string>()];
    }

    public string WorkingDirectory => _workingDirectory;

    /// <summary>The project's folder, which the working directory is or lies in.</summary>
    public string Project => _project;

    public static ReadRules For(string workingDirectory, string? project = null)
        => new(new AgentStart { SessionId = Guid.Empty, WorkingDirectory = workingDirectory, ProjectDirectory = project });

    /// <summary>Where a path leads, links followed; null: not beneath the project.</summary>
    public string? Beneath(string path) => ConfinedPath.ResolveBeneath(_project, _workingDirectory, path);

    /// <param name="path">As the model wrote it.</param>
    /// <param name="tree">All that lies beneath it is read too: a search.</param>
    public ReadVerdict Judge(string path, bool tree = false)
    {
        if (ConfinedPath.Resolve(_workingDirectory, path) is not { } real)
        {
            return new(ReadPlace.Nowhere, "");
        }

        // Programs that take "link/.." away by its words read something else than the kernel would: the worse of both counts.
        var asKernel = Place(path, real, tree);
        var words = Path.GetFullPath(path, _workingDirectory);
        if (path.StartsWith('~') || ConfinedPath.Resolve("/", words) is not { } byWords || byWords == real)
        {
            return asKernel;
        }

        var asWords = Place(words, byWords, tree);
        return asWords.Place > ReadPlace.Free && asWords.Place >= asKernel.Place ? asWords : asKernel;
    }

    private ReadVerdict Place(string path, string real, bool tree)
    {
        // Some programs put the person's folder in the place of a tilde, others look for a file of that name: both count.
        if (path.StartsWith('~'))
        {
            var there = _home is { Length: > 0 }
                && (path is "~" || path.StartsWith("~/", StringComparison.Ordinal)) ? ConfinedPath.Resolve("/", _home + path[1..]) : null;
            return there is null ? new(IsClosed(real, tree) ? ReadPlace.Closed : ReadPlace.Outside, real)
                : new(IsClosed(there, tree) || IsClosed(real, tree) ? ReadPlace.Closed : ReadPlace.Outside, there);
        }

        return new(
            IsClosed(real, tree) ? ReadPlace.Closed
            : (_root is not null && ConfinedPath.IsInside(_root, real)) || IsSent(real) ? ReadPlace.Free
            : ReadPlace.Outside,
            real);
    }

    /// <summary>
    /// The first file of notes, of folders between the project's own and this file's, that leads out of the project: some agents take such
    /// files along with what lies beside them. Null: there is none.
    /// </summary>
    /// <param name="real">A file of the project, links followed.</param>
    public string? NotesThatLeadOut(string real, params ReadOnlySpan<string> names)
    {
        for (var at = Path.GetDirectoryName(real); at is not null && at != _root && _root is not null
            && ConfinedPath.IsInside(_root, at); at = Path.GetDirectoryName(at))
        {
            foreach (var name in names)
            {
                var notes = Path.Combine(at, name);
                if (Judge(notes).Place is not ReadPlace.Free)
                {
                    return notes;
                }
            }
        }

        return null;
    }

    /// <summary>Whether it went with a prompt.</summary>
    public bool IsSent(string path) => _sent is not null && ConfinedPath.Resolve(_workingDirectory, path) is { } real && real != _sent
        && ConfinedPath.IsInside(_sent, real);

    /// <summary>Whether a path still leads where it led.</summary>
    public bool StillLeadsTo(string path, ReadVerdict before, bool tree = false) => Judge(path, tree) == before;

    private bool IsClosed(string real, bool tree)
        => _closed.Any(c => (ConfinedPath.IsInside(c, real) && !_open.Any(
            o => o != c && ConfinedPath.IsInside(c, o) && ConfinedPath.IsInside(o, real))) || (tree && ConfinedPath.IsInside(real, c)))
            || IsOwnProcess(real)
            || HasOtherName(real);

    /// <summary>The daemon's own entries of <c>/proc</c> (environment, memory, open files), also by the number of a thread.</summary>
    private static bool IsOwnProcess(string real)
        => real.StartsWith("/proc/", StringComparison.Ordinal) && real.Split('/') is [_, _, var number, ..]
            && int.TryParse(number, out var id)
            && (id == Environment.ProcessId || Directory.Exists($"/proc/{Environment.ProcessId}/task/{id}"));

    /// <summary>A closed folder or file of it by another name: a hard link, a folder that is mounted twice.</summary>
    private bool HasOtherName(string real)
    {
        if (_closed.Count == 0 || FileIdentity.Of(real) is not { } file)
        {
            return false;
        }

        if (file is { IsRegular: true, Links: > 1 }
            && _closed.SelectMany(Files).Any(f => FileIdentity.Of(f) is { } own && own.IsSame(file)))
        {
            return true;
        }

        var folders = _closed.Select(FileIdentity.Of).OfType<FileIdentity>().ToList();
        for (var at = real; at is not null && !_open.Contains(at, StringComparer.Ordinal); at = Path.GetDirectoryName(at))
        {
            if (FileIdentity.Of(at) is { } folder && folders.Exists(f => f.IsSame(folder)))
            {
                return true;
            }
        }

        return false;
    }

    private static IEnumerable<string> Files(string folder)
    {
        try
        {
            return [.. Directory.EnumerateFiles(folder, "*", new EnumerationOptions { IgnoreInaccessible = true,
                RecurseSubdirectories = true, MaxRecursionDepth = 1, AttributesToSkip = FileAttributes.ReparsePoint }).Take(MostFiles)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
