using System.Text;
using PocketCoder.Protocol;

namespace PocketCoder.Git;

/// <summary>Reads <c>git blame --porcelain</c>. Pure; throws nothing but <see cref="GitException"/>.</summary>
public static class BlameParser
{
    /// <param name="prefix">The project within the repository.</param>
    public static GitBlameResponse Parse(ReadOnlySpan<byte> output, ReadOnlySpan<byte> prefix = default)
    {
        var commits = new List<GitBlameCommit>();
        var indexes = new Dictionary<string, int>(StringComparer.Ordinal);
        var lines = new List<GitBlameLine>();
        (int Original, int Final, int Commit)? at = null;
        while (!output.IsEmpty)
        {
            var end = output.IndexOf((byte)'\n');
            var bytes = end < 0 ? output : output[..end];
            output = end < 0 ? default : output[(end + 1)..];
            if (bytes.Length > 0 && bytes[0] == '\t')
            {
                if (at is not { } place)
                {
                    throw GitText.Unreadable("blame");
                }

                lines.Add(new GitBlameLine(place.Final, place.Original, place.Commit, DiffParser.Cut(bytes[1..], out _)));
                at = null;
                continue;
            }

            var line = Encoding.UTF8.GetString(bytes);
            var space = line.IndexOf(' ', StringComparison.Ordinal);
            var (name, value) = space < 0 ? (line, "") : (line[..space], line[(space + 1)..]);
            if (at is null)
            {
                var numbers = value.Split(' ');
                if (!GitNames.IsId(name) || numbers.Length < 2 || GitText.Number(numbers[0]) is not { } original
                    || GitText.Number(numbers[1]) is not { } final)
                {
                    throw GitText.Unreadable("blame");
                }

                if (!indexes.TryGetValue(name, out var index))
                {
                    indexes[name] = index = commits.Count;
                    commits.Add(new GitBlameCommit(name, "", null, "", ""));
                }

                at = (original, final, index);
                continue;
            }

            var known = commits[at.Value.Commit];
            commits[at.Value.Commit] = name switch
            {
                "author" => known with { Author = value },
                "author-time" => known with { At = GitText.UnixTime(value) },
                "summary" => known with { Subject = value },
                "filename" => known with { Path = Name(bytes[(space + 1)..], prefix) },
                _ => known,
            };
        }

        return new GitBlameResponse(commits, lines);
    }

    /// <summary>Here git quotes names that hold controls, quotes or backslashes as C does.</summary>
    private static string Name(ReadOnlySpan<byte> name, ReadOnlySpan<byte> prefix)
    {
        var plain = GitText.Unquote(name);
        return GitText.Path(GitText.Within(plain, prefix, out var within) ? within : plain);
    }
}
