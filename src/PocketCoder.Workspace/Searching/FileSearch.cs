using System.Buffers;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Win32.SafeHandles;
using PocketCoder.Protocol;
using PocketCoder.Workspace.Beneath;
using PocketCoder.Workspace.Files;
using PocketCoder.Workspace.Ignoring;

namespace PocketCoder.Workspace.Searching;

/// <summary>
/// Searches a folder by handles, no link followed. Ripgrep, where there is one, only names the files that are worth a look: what is told of
/// them is always what is read here, beneath the project, so that a folder which is swapped under its feet shows nothing of what lies
/// outside. Used once.
/// </summary>
internal sealed class FileSearch(ProjectRoot root, WorkspaceOptions options, Func<ProjectPath, bool> isSecret)
{
    private const int TextLength = 300;
    private const int Before = 100;
    private const int MatchesOfOneFile = 100;

    private readonly List<FsMatch> _matches = [];
    private readonly HardLinks _links = new(root, options);
    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(64 * 1024);
    private char[] _chars = ArrayPool<char>.Shared.Rent(64 * 1024);
    private FsSearchEnd _end = FsSearchEnd.Complete;
    private int _files;
    private long _began;

    public async Task<FsSearchResponse> RunAsync(FsSearchRequest request, CancellationToken cancellationToken)
    {
        if (request.Limit is < 1 or > FileLimits.Matches)
        {
            throw new WorkspaceException(ErrorCode.InvalidRequest, $"limit is 1 to {FileLimits.Matches}.");
        }

        var path = ProjectPath.Parse(request.Path);
        var matcher = new LineMatcher(request);
        _began = options.Time.GetTimestamp();
        using var node = root.Find(path);
        using var folder = node.OpenFolder();
        var real = root.RealPath(node.Handle);
        var named = options.Ripgrep is { } program && request is { Target: FsSearchTarget.Content, Regex: false }
            ? await new Ripgrep(program, options.Time).ListAsync(Libc.WhereIs(node.Handle)!, request, options.SearchTime, cancellationToken)
            : null;
        try
        {
            await Task.Run(() => Search(request, matcher, folder, path, real, named, cancellationToken), cancellationToken);
        }
        catch (RegexMatchTimeoutException)
        {
            _end = FsSearchEnd.Time;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(_bytes);
            ArrayPool<char>.Shared.Return(_chars);
        }

        return new FsSearchResponse(_matches, named is { Whole: false } && _end == FsSearchEnd.Complete ? FsSearchEnd.Time : _end, _files,
            named is null ? "own" : "ripgrep");
    }

    private void Search(FsSearchRequest request, LineMatcher matcher, SafeFileHandle folder, ProjectPath path, ProjectPath real,
        Ripgrep.Named? named, CancellationToken cancellationToken)
    {
        if (named is null)
        {
            Walk(request, matcher, folder, path, real, IgnoreScope.Of(root, real), 0, cancellationToken);
            return;
        }

        foreach (var name in named.Files)
        {
            if (!MayGoOn(request, cancellationToken))
            {
                return;
            }

            var file = path / name;
            if (GitFolder.IsIn(file) || root.IsHidden((real / name).Parent, file.Name) || isSecret(file) || isSecret(real / name))
            {
                continue;
            }

            using var node = root.TryFind(file, follow: false, out _);
            using var handle = node is { Stat.IsRegular: true } ? Libc.Reopen(node.Handle, 0) : null;
            if (handle is not null)
            {
                SearchFile(request, matcher, handle, node!.Stat, file);
            }
        }
    }

    /// <returns>Whether to go on.</returns>
    private bool Walk(
        FsSearchRequest request, LineMatcher matcher, SafeFileHandle folder, ProjectPath path, ProjectPath real, IgnoreScope ignores,
        int depth, CancellationToken cancellationToken)
    {
        var entries = new List<(string Name, FsKind Kind)>();
        FolderEntries.Read(folder, path, (name, kind) =>
        {
            entries.Add((name, kind ?? Libc.Stat(folder, name)?.Kind ?? FsKind.Other));
            return true;
        });
        entries.Sort(static (a, b) => string.CompareOrdinal(a.Name, b.Name));
        foreach (var (name, kind) in entries)
        {
            if (!MayGoOn(request, cancellationToken))
            {
                return false;
            }

            var isFolder = kind == FsKind.Dir;
            if (GitFolder.Is(name) || root.IsHidden(real, name)
                || (!request.Ignored && ((isFolder && name == "node_modules") || ignores.IsIgnored(real / name, isFolder))))
            {
                continue;
            }

            var child = path / name;
            if (request.Target == FsSearchTarget.Names)
            {
                _files++;
                SearchName(matcher, child, kind);
            }
            else if (kind == FsKind.File && !isSecret(child) && !isSecret(real / name))
            {
                using var file = Libc.Open(folder, name, Libc.NonBlocking);
                if (file is not null && Libc.Stat(file) is { IsRegular: true } stat)
                {
                    SearchFile(request, matcher, file, stat, child);
                }
            }

            if (isFolder && depth + 1 < FileLimits.Depth)
            {
                using var next = Libc.Open(folder, name, Libc.DirectoryOnly);
                if (next is not null && !Walk(
                    request, matcher, next, child, real / name, ignores.Enter(real / name, next), depth + 1, cancellationToken))
                {
                    return false;
                }
            }
        }

        return true;
    }

    private bool MayGoOn(FsSearchRequest request, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_matches.Count >= request.Limit)
        {
            _end = FsSearchEnd.Limit;
        }
        else if (options.Time.GetElapsedTime(_began) > options.SearchTime)
        {
            _end = FsSearchEnd.Time;
        }

        return _end == FsSearchEnd.Complete;
    }

    private void SearchName(LineMatcher matcher, ProjectPath path, FsKind kind)
    {
        var text = path.Wire;
        if (matcher.Find(text) is { Start: >= 0 } match)
        {
            _matches.Add(new FsMatch(text, kind, null, text, match.Start, match.Length));
        }
    }

    private void SearchFile(FsSearchRequest request, LineMatcher matcher, SafeFileHandle file, NodeStat stat, ProjectPath path)
    {
        _files++;
        if (!_links.May(stat, secret: false, out _))
        {
            return; // reading it is refused
        }

        if (stat.Size is 0 or > FileLimits.ReadBytes || ReadAll(file, (int)stat.Size) is not { Length: > 0 } content
            || content.Contains((byte)0) || !matcher.MayBeIn(content))
        {
            return;
        }

        if (_chars.Length < content.Length)
        {
            ArrayPool<char>.Shared.Return(_chars);
            _chars = ArrayPool<char>.Shared.Rent(content.Length);
        }

        ReadOnlySpan<char> text = _chars.AsSpan(0, Encoding.UTF8.GetChars(content, _chars));
        var line = 1;
        var most = Math.Min(request.Limit, _matches.Count + MatchesOfOneFile);
        while (text.Length > 0 && _matches.Count < most)
        {
            if (matcher.Literal)
            {
                // From match to match, not from line to line.
                var (found, _) = matcher.Find(text);
                if (found < 0)
                {
                    return;
                }

                var begin = text[..found].LastIndexOf('\n') + 1;
                line += text[..begin].Count('\n');
                text = text[begin..];
            }

            var end = text.IndexOf('\n');
            var whole = end < 0 ? text : text[..end];
            whole = whole.TrimEnd('\r');
            if (matcher.Find(whole) is { Start: >= 0 } match)
            {
                Add(path, line, whole, match.Start, match.Length);
            }

            line++;
            text = end < 0 ? [] : text[(end + 1)..];
        }
    }

    private void Add(ProjectPath path, int line, ReadOnlySpan<char> text, int start, int length)
    {
        var from = Math.Max(0, start - Before);
        if (from > 0 && char.IsLowSurrogate(text[from]))
        {
            from--;
        }

        var to = Math.Min(text.Length, from + TextLength);
        if (to < text.Length && char.IsLowSurrogate(text[to]))
        {
            to--;
        }

        _matches.Add(new FsMatch(path.Wire, FsKind.File, line, text[from..to].ToString(), start - from, Math.Min(length, to - start)));
    }

    private ReadOnlySpan<byte> ReadAll(SafeFileHandle file, int size)
    {
        if (_bytes.Length < size)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = ArrayPool<byte>.Shared.Rent(size);
        }

        try
        {
            var length = 0;
            while (length < size && RandomAccess.Read(file, _bytes.AsSpan(length, size - length), length) is > 0 and var read)
            {
                length += read;
            }

            return _bytes.AsSpan(0, length);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return []; // one file that can't be read is no reason to stop
        }
    }
}
