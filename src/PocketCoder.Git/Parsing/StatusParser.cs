using System.Text;
using PocketCoder.Protocol;

namespace PocketCoder.Git;

/// <summary>What <c>git status --porcelain=v2 -z --branch --show-stash</c> says.</summary>
public sealed record RepositoryStatus
{
    public string? Branch { get; init; }

    public string? Head { get; init; }

    public bool Detached { get; init; }

    public string? Upstream { get; init; }

    public int? Ahead { get; init; }

    public int? Behind { get; init; }

    public int Stashes { get; init; }

    public IReadOnlyList<GitFileChange> Staged { get; init; } = [];

    public IReadOnlyList<GitFileChange> Unstaged { get; init; } = [];

    public IReadOnlyList<GitFileChange> Untracked { get; init; } = [];

    public IReadOnlyList<GitConflict> Conflicted { get; init; } = [];

    /// <summary>Something outside of the project is staged.</summary>
    public bool StagedOutside { get; init; }

    /// <summary>More than is here.</summary>
    public bool Truncated { get; init; }
}

/// <summary>Reads it. Pure; never throws on hostile text but <see cref="GitException"/>.</summary>
public static class StatusParser
{
    /// <remarks>git is not let look into submodules: it would run the filters that their own configuration names. Given as an argument,
    /// since <c>.gitmodules</c> overrides the setting.</remarks>
    public static IReadOnlyList<string> Arguments { get; } =
        ["status", "--porcelain=v2", "-z", "--branch", "--show-stash", "--find-renames", "--untracked-files=normal",
            "--ignore-submodules=dirty"];

    /// <param name="prefix">The project within the repository, with a closing slash, or empty.</param>
    /// <param name="limit">Entries of each list.</param>
    /// <exception cref="GitException">Unreadable</exception>
    public static RepositoryStatus Parse(ReadOnlySpan<byte> output, ReadOnlySpan<byte> prefix, int limit = GitLimits.StatusEntries)
    {
        var status = new RepositoryStatus();
        List<GitFileChange> staged = [], unstaged = [], untracked = [];
        List<GitConflict> conflicted = [];
        var (outside, truncated) = (false, false);
        var reader = new ZeroReader(output);
        while (reader.TryRead(out ReadOnlySpan<byte> entry))
        {
            if (entry.Length < 2 || entry[1] != ' ')
            {
                throw GitText.Unreadable("status");
            }

            switch (entry[0])
            {
                case (byte)'#':
                    status = Header(status, Encoding.UTF8.GetString(entry[2..]));
                    break;
                case (byte)'1' or (byte)'2':
                    var renamed = entry[0] == '2';
                    var path = Field(entry, renamed ? 9 : 8);
                    ReadOnlySpan<byte> old = default;
                    if (renamed && !reader.TryRead(out old))
                    {
                        throw GitText.Unreadable("status");
                    }

                    if (!GitText.Within(path, prefix, out var within))
                    {
                        outside |= entry[2] != '.';
                        break;
                    }

                    Add(staged, Kind(entry[2]), within, old, prefix, Submodule(entry, staged: true));
                    Add(unstaged, Kind(entry[3]), within, old, prefix, Submodule(entry, staged: false));
                    break;
                case (byte)'u':
                    if (GitText.Within(Field(entry, 10), prefix, out var both))
                    {
                        Put(conflicted, new GitConflict(GitText.Path(both), Conflict(entry[2], entry[3])));
                    }
                    else
                    {
                        outside = true;
                    }

                    break;
                case (byte)'?':
                    if (GitText.Within(entry[2..], prefix, out var strange))
                    {
                        Add(untracked, GitChangeKind.Untracked, strange, default, prefix, null);
                    }

                    break;
                default:
                    break; // ignored files are not asked for; later versions may have more
            }
        }

        return status with
        {
            Staged = staged,
            Unstaged = unstaged,
            Untracked = untracked,
            Conflicted = conflicted,
            StagedOutside = outside,
            Truncated = truncated
        };

        void Add(List<GitFileChange> list, GitChangeKind? kind, ReadOnlySpan<byte> path, ReadOnlySpan<byte> old, ReadOnlySpan<byte> within,
            GitSubmoduleState? submodule)
        {
            if (kind is { } known)
            {
                var from = known is GitChangeKind.Renamed or GitChangeKind.Copied
                    ? GitText.Path(GitText.Within(old, within, out var inside) ? inside : old)
                    : null;
                Put(list, new GitFileChange(GitText.Path(path), known, from, submodule));
            }
        }

        void Put<T>(List<T> list, T item)
        {
            if (list.Count < limit)
            {
                list.Add(item);
            }
            else
            {
                truncated = true;
            }
        }
    }

    private static RepositoryStatus Header(RepositoryStatus status, string header)
    {
        var space = header.IndexOf(' ', StringComparison.Ordinal);
        var (name, value) = space < 0 ? (header, "") : (header[..space], header[(space + 1)..]);
        switch (name)
        {
            case "branch.oid":
                return status with { Head = GitNames.IsId(value) ? value : null };
            case "branch.head":
                return value == "(detached)" ? status with { Detached = true } : status with { Branch = value };
            case "branch.upstream":
                return status with { Upstream = value };
            case "branch.ab":
                var parts = value.Split(' ');
                return parts is [['+', .. var ahead], ['-', .. var behind]] ? status with
                { Ahead = GitText.Number(ahead), Behind = GitText.Number(behind) } : status;
            case "stash":
                return status with { Stashes = GitText.Number(value) ?? 0 };
            default:
                return status;
        }
    }

    /// <summary>What follows the given number of fields, each closed by a space.</summary>
    private static ReadOnlySpan<byte> Field(ReadOnlySpan<byte> entry, int skip)
    {
        for (var i = 0; i < skip; i++)
        {
            var space = entry.IndexOf((byte)' ');
            if (space < 0)
            {
                throw GitText.Unreadable("status");
            }

            entry = entry[(space + 1)..];
        }

        return entry.Length > 0 ? entry : throw GitText.Unreadable("status");
    }

    private static GitChangeKind? Kind(byte letter) => letter switch
    {
        (byte)'A' => GitChangeKind.Added,
        (byte)'M' => GitChangeKind.Modified,
        (byte)'D' => GitChangeKind.Deleted,
        (byte)'R' => GitChangeKind.Renamed,
        (byte)'C' => GitChangeKind.Copied,
        (byte)'T' => GitChangeKind.TypeChanged,
        _ => null,
    };

    private static GitConflictKind Conflict(byte ours, byte theirs) => (ours, theirs) switch
    {
        ((byte)'D', (byte)'D') => GitConflictKind.BothDeleted,
        ((byte)'A', (byte)'U') => GitConflictKind.AddedByUs,
        ((byte)'U', (byte)'D') => GitConflictKind.DeletedByThem,
        ((byte)'U', (byte)'A') => GitConflictKind.AddedByThem,
        ((byte)'D', (byte)'U') => GitConflictKind.DeletedByUs,
        ((byte)'A', (byte)'A') => GitConflictKind.BothAdded,
        _ => GitConflictKind.BothModified,
    };

    /// <summary>The four letters <c>S&lt;c&gt;&lt;m&gt;&lt;u&gt;</c>; they tell of the files' side.</summary>
    private static GitSubmoduleState? Submodule(ReadOnlySpan<byte> entry, bool staged)
        => entry.Length >= 9 && entry[5] == 'S'
            ? staged ? new GitSubmoduleState(CommitChanged: true, false, false)
            : new GitSubmoduleState(entry[6] == 'C', entry[7] == 'M', entry[8] == 'U')
            : null;
}
