using System.Text;
using PocketCoder.Protocol;

namespace PocketCoder.Git;

/// <summary>Entries of the index that other git commands take apart. Pure.</summary>
public static class SubmoduleParser
{
    private const int Most = 1000;

    /// <param name="index">From <c>git ls-files --stage -z</c>.</param>
    /// <param name="named">From <c>git config --null --get-regexp</c> on <c>.gitmodules</c>.</param>
    public static IReadOnlyList<GitSubmodule> Parse(ReadOnlySpan<byte> index, ReadOnlySpan<byte> named, ReadOnlySpan<byte> prefix)
    {
        var urls = Urls(named);
        var found = new List<GitSubmodule>();
        foreach (var entry in IndexParser.Parse(index).Where(e => e.Mode == "160000").Take(Most))
        {
            if (GitText.Within(entry.Path.Span, prefix, out var within))
            {
                found.Add(new GitSubmodule(
                    GitText.Path(within), entry.Id, urls.GetValueOrDefault(Encoding.UTF8.GetString(entry.Path.Span))));
            }
        }

        return found;
    }

    private static Dictionary<string, string> Urls(ReadOnlySpan<byte> named)
    {
        var modules = new Dictionary<string, (string? Path, string? Url)>(StringComparer.Ordinal);
        var reader = new ZeroReader(named);
        while (reader.TryRead(out string entry))
        {
            var end = entry.IndexOf('\n', StringComparison.Ordinal);
            var dot = end < 0 ? -1 : entry.LastIndexOf('.', end);
            if (dot < 0)
            {
                continue;
            }

            var known = modules.GetValueOrDefault(entry[..dot]);
            modules[entry[..dot]] = entry[(dot + 1)..end] == "path" ? (entry[(end + 1)..], known.Url) : (known.Path, entry[(end + 1)..]);
        }

        var urls = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (path, url) in modules.Values)
        {
            if (path is not null && url is not null)
            {
                urls.TryAdd(path, url);
            }
        }

        return urls;
    }
}

/// <summary>One entry of the index.</summary>
/// <param name="Stage">0, or which side of a conflict: 1 base, 2 ours, 3 theirs.</param>
public sealed record IndexEntry(string Mode, string Id, int Stage, ReadOnlyMemory<byte> Path);

/// <summary>Reads <c>git ls-files --stage -z</c> and <c>git ls-tree -z</c>. Pure; throws nothing but <see cref="GitException"/>.</summary>
public static class IndexParser
{
    public static IReadOnlyList<IndexEntry> Parse(ReadOnlySpan<byte> output)
    {
        var entries = new List<IndexEntry>();
        var reader = new ZeroReader(output);
        while (reader.TryRead(out ReadOnlySpan<byte> piece))
        {
            var tab = piece.IndexOf((byte)'\t');
            if (tab < 0)
            {
                throw GitText.Unreadable("index");
            }

            // "mode id stage" of the index, "mode type id" of a tree
            var fields = Encoding.ASCII.GetString(piece[..tab]).Split(' ', StringSplitOptions.RemoveEmptyEntries);
            var entry = fields switch
            {
                [var mode, var id, [var stage and >= '0' and <= '3']] when GitNames.IsId(id) =>
                    new IndexEntry(mode, id, stage - '0', piece[(tab + 1)..].ToArray()),
                [var mode, _, var id] when GitNames.IsId(id) => new IndexEntry(mode, id, 0, piece[(tab + 1)..].ToArray()),
                _ => throw GitText.Unreadable("index"),
            };
            entries.Add(entry);
        }

        return entries;
    }
}
