using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using PocketCoder.Machine.Paths;

namespace PocketCoder.Machine.Snapshots.Undo;

/// <summary>One path to bring back.</summary>
/// <param name="Now">What is there; null: nothing.</param>
/// <param name="Target">What was there; null: nothing, so it is removed.</param>
/// <param name="ChangedSince">Somebody else changed it after what is undone.</param>
internal sealed record UndoStep(TreePath Path, TreeEntry? Now, TreeEntry? Target, bool ChangedSince);

/// <summary>Before and after one thing that was allowed.</summary>
/// <param name="After">Null: nobody saw how it ended.</param>
internal sealed record UndoSpan(SnapshotTree Before, SnapshotTree? After);

/// <summary>
/// What undoing would do: exactly the paths that the undone actions changed, each back to what it was before the first of them. Paths that
/// only others changed are not touched. Pure.
/// </summary>
/// <param name="Steps">Sorted by path.</param>
/// <param name="LeftAlone">Paths that it can't or must not bring back, with why.</param>
/// <param name="OutcomeUnknown">For some action nobody saw how it ended: everything since counts as its doing.</param>
internal sealed record UndoPlan(IReadOnlyList<UndoStep> Steps, IReadOnlyList<(TreePath Path, string Why)> LeftAlone, bool OutcomeUnknown)
{
    private const string Domain = "pocketcoder-undo-plan-v1";

    /// <param name="spans">In the order they happened; not empty.</param>
    public static async Task<UndoPlan> MakeAsync(
        IAsyncEnumerable<UndoSpan> spans, SnapshotTree now, Func<IReadOnlyList<TreePath>, Task<HashSet<TreePath>>> ignoredAtFirst)
    {
        var touched = new SortedDictionary<string, Touched>(StringComparer.Ordinal);
        var unknown = false;
        await foreach (var span in spans)
        {
            var after = span.After ?? now;
            unknown |= span.After is null;
            foreach (var path in SnapshotTree.Differences(span.Before, after))
            {
                if (touched.TryGetValue(path.Raw, out var earlier))
                {
                    touched[path.Raw] = earlier with
                    { Left = after.Find(path), Between = earlier.Between || !Alike(earlier.Left, span.Before.Find(path)) };
                }
                else
                {
                    touched[path.Raw] = new Touched(span.Before.Find(path), after.Find(path), false);
                }
            }
        }

        var steps = new List<UndoStep>();
        var alone = new List<(TreePath, string)>();
        foreach (var (raw, touch) in touched)
        {
            var path = new TreePath(raw);
            var here = now.Find(path);
            if (touch.Target is { Oid: null })
            {
                alone.Add((path, "its content before was not kept (too large, or it could not be read)"));
            }
            else if (!Same(here, touch.Target))
            {
                steps.Add(new UndoStep(path, here, touch.Target, touch.Between || !Alike(here, touch.Left)));
            }
        }

        // Files that appear may only have stopped being ignored: those were there before and must not be removed.
        var ignored = await ignoredAtFirst([.. steps.Where(s => s.Target is null).Select(s => s.Path)]);
        alone.AddRange(steps.Where(s => ignored.Contains(s.Path))
            .Select(s => (s.Path, ".gitignore excluded it before, so its earlier content is unknown")));
        steps.RemoveAll(s => ignored.Contains(s.Path));
        return new UndoPlan(steps, alone, unknown);
    }

    /// <summary>SHA-256 of exactly what would be done to exactly what is there.</summary>
    public string Digest(string target)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Add(hash, Domain);
        Add(hash, target);
        foreach (var step in Steps)
        {
            Add(hash, step.Path.Raw);
            Add(hash, Text(step.Now));
            Add(hash, Text(step.Target));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());

        static string Text(TreeEntry? entry)
            => entry is not { } e ? "-" : $"{(e.IsLink ? "link" : Convert.ToString(e.Permissions, 8))} {e.Oid ?? $"not kept, {e.Size}"}";

        static void Add(IncrementalHash hash, string text)
        {
            var bytes = Encoding.Latin1.GetBytes(text);
            Span<byte> length = stackalloc byte[8];
            BinaryPrimitives.WriteInt64BigEndian(length, bytes.Length);
            hash.AppendData(length);
            hash.AppendData(bytes);
        }
    }

    private static bool Same(TreeEntry? a, TreeEntry? b) => a is { } x && b is { } y ? x.Same(y) : a is null && b is null;

    /// <summary>Also true of two whose content is not kept, when nothing else tells them apart.</summary>
    private static bool Alike(TreeEntry? a, TreeEntry? b)
        => Same(a, b) || (a is { Oid: null } x && b is { Oid: null } y && x.Size == y.Size && x.Permissions == y.Permissions);

    private sealed record Touched(TreeEntry? Target, TreeEntry? Left, bool Between);
}
