using System.Collections.Concurrent;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Git;

/// <summary>
/// How git sees what is in a folder, for a listing of files: never a reason for the listing to wait long or to fail. Thread-safe.
/// </summary>
public sealed class GitFileStatus(GitService git, TimeProvider time)
{
    /// <summary>Going down some folders asks for the same again and again.</summary>
    private static readonly TimeSpan s_fresh = TimeSpan.FromSeconds(2);

    /// <summary>
    /// A large repository takes longer than anybody wants to look at an empty screen: then the marks of the look before are shown, or none.
    /// </summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(250);

    private readonly ConcurrentDictionary<Guid, Look> _looks = new(); // one a project, and those are few
    private readonly GitReads _reads = new(git);

    /// <param name="Before">What was seen the time before.</param>
    private sealed record Look(
        DateTimeOffset At, Task<IReadOnlyDictionary<string, string>> Marks, IReadOnlyDictionary<string, string> Before);

    private static IReadOnlyDictionary<string, string> None { get; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>
    /// By the names in the folder, as they stand in messages: two letters as <c>git status --short</c> has them. A directory has a dot and
    /// <c>M</c> when something in it changed, <c>??</c> when all that did is untracked.
    /// </summary>
    /// <param name="folder">As it stands in messages.</param>
    public async ValueTask<IReadOnlyDictionary<string, string>> OfAsync(Guid project, string folder, CancellationToken cancellationToken)
    {
        var look = _looks.AddOrUpdate(
            project, id => Begin(id, None), (id, known) => time.GetUtcNow() - known.At < s_fresh ? known : Begin(id, Seen(known)));
        IReadOnlyDictionary<string, string> all;
        try
        {
            all = await look.Marks.WaitAsync(s_patience, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            all = look.Before;
        }

        return In(folder, all);
    }

    /// <summary>The marks of a folder's own names, from those of all paths.</summary>
    internal static IReadOnlyDictionary<string, string> In(string folder, IReadOnlyDictionary<string, string> all)
    {
        var marks = new Dictionary<string, string>(StringComparer.Ordinal);
        var before = folder.Length == 0 ? "" : folder + "/";
        foreach (var (path, mark) in all)
        {
            if (!path.StartsWith(before, StringComparison.Ordinal))
            {
                continue;
            }

            var rest = path.AsSpan(before.Length);
            var end = rest.IndexOf('/');
            var name = (end < 0 ? rest : rest[..end]).ToString();
            if (end < 0 || end == rest.Length - 1)
            {
                marks[name] = mark;
            }
            else
            {
                marks[name] = marks.TryGetValue(name, out var known) && known != mark ? ".M" : mark == "??" ? mark : ".M";
            }
        }

        return marks;
    }

    /// <summary>All changed paths of a project, as they stand in messages about files.</summary>
    internal static IReadOnlyDictionary<string, string> All(GitStatusResponse status)
    {
        var marks = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var staged in status.Staged)
        {
            marks[staged.Path] = $"{Letter(staged.Kind)}.";
        }

        foreach (var changed in status.Unstaged)
        {
            marks[changed.Path] = $"{(marks.TryGetValue(changed.Path, out var known) ? known[0] : '.')}{Letter(changed.Kind)}";
        }

        foreach (var untracked in status.Untracked)
        {
            marks[untracked.Path] = "??";
        }

        foreach (var conflict in status.Conflicted)
        {
            marks[conflict.Path] = "UU";
        }

        return marks;
    }

    private static char Letter(GitChangeKind kind) => kind switch
    {
        GitChangeKind.Added => 'A',
        GitChangeKind.Deleted => 'D',
        GitChangeKind.Renamed => 'R',
        GitChangeKind.Copied => 'C',
        GitChangeKind.TypeChanged => 'T',
        GitChangeKind.Untracked => '?',
        _ => 'M',
    };

    private static IReadOnlyDictionary<string, string> Seen(Look look)
        => look.Marks.IsCompletedSuccessfully ? look.Marks.Result : look.Before;

    private Look Begin(Guid project, IReadOnlyDictionary<string, string> before) => new(time.GetUtcNow(), LookAsync(project), before);

    private async Task<IReadOnlyDictionary<string, string>> LookAsync(Guid project)
    {
        try
        {
            return All(await _reads.StatusAsync(new GitStatusRequest(project), CancellationToken.None));
        }
        catch (Exception) // no repository, no git, no sandbox: whoever opens the git screen is told why
        {
            return None;
        }
    }
}
