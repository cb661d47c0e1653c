using System.Security.Cryptography;
using System.Text;
using PocketCoder.Protocol;

namespace PocketCoder.Git;

/// <summary>One line of a hunk as git wrote it: bytes, so that a patch of it is exact.</summary>
/// <param name="Sign">A space, <c>+</c> or <c>-</c>.</param>
internal sealed record PatchLine(byte Sign, ReadOnlyMemory<byte> Text, bool NoNewline);

/// <summary>One hunk as git wrote it.</summary>
internal sealed record PatchHunk(
    string Id, int OldStart, int OldCount, int NewStart, int NewCount, string Heading, IReadOnlyList<PatchLine> Lines);

/// <summary>One file of a diff as git wrote it.</summary>
/// <param name="Path">Its bytes, from the repository's top; after a rename the new ones.</param>
internal sealed record PatchFile(ReadOnlyMemory<byte> Path, ReadOnlyMemory<byte> OldPath, GitChangeKind Kind, string OldMode,
    string NewMode, bool Binary, IReadOnlyList<PatchHunk> Hunks, bool Cut);

/// <summary>A diff that was read.</summary>
/// <param name="Cut">There was more than the limits let through.</param>
public sealed class ParsedDiff
{
    internal ParsedDiff(IReadOnlyList<PatchFile> files, bool cut) => (Files, Cut) = (files, cut);

    internal IReadOnlyList<PatchFile> Files { get; }

    public bool Cut { get; }

    /// <summary>Only these paths and what is beneath them.</summary>
    /// <param name="paths">From the repository's top, as bytes.</param>
    public ParsedDiff Of(IReadOnlyList<byte[]> paths)
        => new([.. Files.Where(f => paths.Any(p => GitNames.Covers(p, f.Path.Span) || GitNames.Covers(p, f.OldPath.Span)))], Cut);
}

/// <summary>
/// Reads <c>git diff --raw -z --patch</c>: the raw part names the files (a name may hold anything), the patches follow in the same order.
/// Pure; throws nothing but <see cref="GitException"/>.
/// </summary>
public static class DiffParser
{
    /// <summary>What git is asked with, for lines and words alike; the programs a repository could name for it are off.</summary>
    public static IReadOnlyList<string> Options(int context, bool word, bool ignoreWhitespace, bool renames = true) =>
    [
        "--no-ext-diff", "--no-textconv", "--no-color", "--raw", "-z", "--patch", "--full-index", "--no-abbrev", $"--unified={context}",
        renames ? "--find-renames" : "--no-renames",
        "--src-prefix=a/", "--dst-prefix=b/", "--submodule=short", "--no-indent-heuristic", "--diff-algorithm=histogram",
        "--inter-hunk-context=0",
        "--ignore-submodules=dirty", // looking into one would run the filters of its own configuration
        .. word ? (string[])["--word-diff=porcelain"] : [],
        .. ignoreWhitespace ? (string[])["--ignore-space-change"] : [],
    ];

    /// <param name="truncated">The output ends before git was done.</param>
    /// <param name="word">It was asked for words.</param>
    /// <exception cref="GitException">Unreadable</exception>
    public static ParsedDiff Parse(ReadOnlyMemory<byte> output, bool truncated = false, bool word = false)
    {
        var files = Raw(output.Span, out var at);
        var patches = new PatchReader(output[at..], word);
        var read = new List<PatchFile>(files.Count);
        foreach (var file in files)
        {
            if (!patches.TryReadFile(out var binary, out var hunks, out var cut))
            {
                if (!truncated)
                {
                    throw GitText.Unreadable("diff");
                }

                read.Add(file with { Cut = true });
                continue;
            }

            read.Add(file with { Binary = binary, Hunks = [.. hunks.Select(h => h with { Id = IdOf(file, h) })], Cut = cut });
        }

        return new ParsedDiff(read, truncated);
    }

    /// <summary>For the wire, within the limits.</summary>
    /// <param name="prefix">The project within the repository.</param>
    public static GitDiffResponse Show(ParsedDiff diff, ReadOnlySpan<byte> prefix, bool word = false, int fileLimit = GitLimits.DiffFiles,
        int lineLimit = GitLimits.DiffLines)
    {
        var files = new List<GitFileDiff>();
        var (left, truncated) = (lineLimit, diff.Cut);
        foreach (var file in diff.Files)
        {
            if (!GitText.Within(file.Path.Span, prefix, out var within))
            {
                continue;
            }

            if (files.Count == fileLimit)
            {
                truncated = true;
                break;
            }

            var hunks = new List<GitHunk>();
            var cut = file.Cut;
            var (large, only) = LargeFilePointer.Of(file);
            foreach (var hunk in only ? [] : file.Hunks)
            {
                if (hunk.Lines.Count > left)
                {
                    (cut, truncated) = (true, true);
                    break;
                }

                left -= hunk.Lines.Count;
                hunks.Add(new GitHunk(hunk.Id, hunk.OldStart, hunk.OldCount, hunk.NewStart, hunk.NewCount, hunk.Heading,
                    word ? Words(hunk) : Lines(hunk)));
            }

            var old = file.Kind is GitChangeKind.Renamed or GitChangeKind.Copied
                ? GitText.Path(GitText.Within(file.OldPath.Span, prefix, out var inside) ? inside : file.OldPath.Span)
                : null;
            files.Add(new GitFileDiff(
                GitText.Path(within), old, file.Kind, Mode(file.OldMode), Mode(file.NewMode), file.Binary, "160000" == file.OldMode
                    || "160000" == file.NewMode,
                file.Hunks.Sum(h => h.Lines.Count(l => l.Sign == '+')), file.Hunks.Sum(h => h.Lines.Count(l => l.Sign == '-')), hunks, cut,
                LargeFile: large));
        }

        return new GitDiffResponse(files, truncated);
    }

    internal static string Cut(ReadOnlySpan<byte> bytes, out bool cut)
    {
        var text = Encoding.UTF8.GetString(bytes.Length > GitLimits.LineLength * 4 ? bytes[..(GitLimits.LineLength * 4)] : bytes);
        cut = bytes.Length > GitLimits.LineLength * 4 || text.Length > GitLimits.LineLength;
        if (text.Length <= GitLimits.LineLength)
        {
            return text;
        }

        return text[..(char.IsHighSurrogate(text[GitLimits.LineLength - 1]) ? GitLimits.LineLength - 1 : GitLimits.LineLength)];
    }

    private static string? Mode(string mode) => mode == "000000" ? null : mode;

    private static List<GitDiffLine> Lines(PatchHunk hunk)
    {
        var lines = new List<GitDiffLine>(hunk.Lines.Count);
        var (old, @new) = (hunk.OldStart, hunk.NewStart);
        foreach (var line in hunk.Lines)
        {
            var text = Cut(line.Text.Span, out var cut);
            lines.Add(line.Sign switch
            {
                (byte)'+' => new GitDiffLine(GitLineKind.Added, null, @new++, text, line.NoNewline, cut),
                (byte)'-' => new GitDiffLine(GitLineKind.Removed, old++, null, text, line.NoNewline, cut),
                _ => new GitDiffLine(GitLineKind.Context, old++, @new++, text, line.NoNewline, cut),
            });
        }

        return lines;
    }

    /// <summary>In a word diff each of git's lines is a piece, and <c>~</c> ends a line.</summary>
    private static List<GitDiffLine> Words(PatchHunk hunk)
    {
        var lines = new List<GitDiffLine>();
        var words = new List<GitDiffWord>();
        foreach (var piece in hunk.Lines)
        {
            if (piece.Sign == '~')
            {
                Put();
                continue;
            }

            words.Add(new GitDiffWord(
                piece.Sign switch { (byte)'+' => GitLineKind.Added, (byte)'-' => GitLineKind.Removed, _ => GitLineKind.Context },
                Cut(piece.Text.Span, out _)));
        }

        if (words.Count > 0)
        {
            Put();
        }

        return lines;

        void Put()
        {
            lines.Add(words.TrueForAll(w => w.Kind == GitLineKind.Context)
                ? new GitDiffLine(GitLineKind.Context, null, null, string.Concat(words.Select(w => w.Text)))
                : new GitDiffLine(GitLineKind.Changed, null, null, "", Words: [.. words]));
            words.Clear();
        }
    }

    /// <summary>Of the file, the place and the very bytes.</summary>
    private static string IdOf(PatchFile file, PatchHunk hunk)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(file.Path.Span);
        hash.AppendData(Encoding.ASCII.GetBytes($"\0{hunk.OldStart},{hunk.OldCount},{hunk.NewStart},{hunk.NewCount}\n"));
        foreach (var line in hunk.Lines)
        {
            hash.AppendData([line.Sign]);
            hash.AppendData(line.Text.Span);
            hash.AppendData(line.NoNewline ? "\n\\"u8 : "\n"u8);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 12));
    }

    /// <summary>The part that names files: <c>:oldmode newmode oldid newid STATUS\0path\0[path\0]</c>, closed by an empty piece.</summary>
    private static List<PatchFile> Raw(ReadOnlySpan<byte> output, out int length)
    {
        var files = new List<PatchFile>();
        var reader = new ZeroReader(output);
        while (!reader.IsAtEnd && reader.Rest[0] == ':')
        {
            if (!reader.TryRead(out string entry) || entry[1..].Split(' ') is not [var oldMode, var newMode, _, _, { Length: > 0 } letter]
                || !reader.TryRead(out ReadOnlySpan<byte> path))
            {
                throw GitText.Unreadable("diff");
            }

            var first = path.ToArray();
            var second = first;
            if (letter[0] is 'R' or 'C')
            {
                if (!reader.TryRead(out ReadOnlySpan<byte> to))
                {
                    throw GitText.Unreadable("diff");
                }

                second = to.ToArray();
            }

            GitChangeKind? kind = letter[0] switch
            {
                'A' => GitChangeKind.Added,
                'M' => GitChangeKind.Modified,
                'D' => GitChangeKind.Deleted,
                'R' => GitChangeKind.Renamed,
                'C' => GitChangeKind.Copied,
                'T' => GitChangeKind.TypeChanged,
                'U' => null, // shown as a conflict
                _ => throw GitText.Unreadable("diff"),
            };
            if (kind is { } known)
            {
                files.Add(new PatchFile(second, first, known, oldMode, newMode, Binary: false, [], Cut: false));
            }
        }

        if (files.Count > 0 && !reader.IsAtEnd && reader.Rest[0] == 0)
        {
            reader.TryRead(out ReadOnlySpan<byte> _);
        }

        length = output.Length - reader.Rest.Length;
        return files;
    }
}
