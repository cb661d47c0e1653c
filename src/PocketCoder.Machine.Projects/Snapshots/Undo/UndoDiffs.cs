using System.Text;
using PocketCoder.Machine.Diffs;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Snapshots.Undo;

/// <summary>A plan for people to look at: bounded, and saying where it is cut.</summary>
internal static class UndoDiffs
{
    /// <summary>Files that are listed.</summary>
    public const int Files = 200;

    /// <summary>Largest file whose text is compared.</summary>
    private const int TextBytes = 256 * 1024;

    /// <summary>Lines of all diffs together; files beyond are listed without theirs.</summary>
    private const int Lines = 3000;

    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <exception cref="SnapshotException">The store can't be read.</exception>
    public static async Task<IReadOnlyList<UndoFile>> ShowAsync(SnapshotStore store, UndoPlan plan, CancellationToken cancellationToken)
    {
        var shown = plan.Steps.Take(Files).ToList();
        var texts = await TextsAsync(store, shown, cancellationToken);
        var files = new List<UndoFile>();
        var lines = 0;
        foreach (var step in shown)
        {
            var diff = lines < Lines ? Diff(step, texts) : null;
            lines += diff?.Hunks.Sum(h => h.Lines.Count) ?? 0;
            files.Add(new UndoFile(
                step.Path.Shown,
                Change(step),
                lines <= Lines ? diff : null,
                step.ChangedSince,
                step.Target is { IsLink: false } target ? Convert.ToString(target.Permissions, 8) : null));
        }

        return files;
    }

    private static UndoChange Change(UndoStep step) => (step.Now, step.Target) switch
    {
        (_, null) => UndoChange.Delete,
        ({ IsLink: true }, _) or (_, { IsLink: true }) => UndoChange.Link,
        (null, _) => UndoChange.Create,
        ({ } now, { } target) when now.Oid == target.Oid => UndoChange.Mode,
        _ => UndoChange.Write,
    };

    private static FileDiff? Diff(UndoStep step, Dictionary<string, string?> texts)
    {
        var (now, target) = (Text(step.Now), Text(step.Target));
        return now is null || target is null
            || now == target ? null : LineDiff.Compute(step.Path.Shown, step.Now is null ? null : now, target);

        string? Text(TreeEntry? entry) => entry is null ? "" : entry.Value.Oid is { } oid ? texts.GetValueOrDefault(oid) : null;
    }

    /// <summary>Contents that are text, by object; null for others.</summary>
    private static async Task<Dictionary<string, string?>> TextsAsync(
        SnapshotStore store, List<UndoStep> steps, CancellationToken cancellationToken)
    {
        var texts = new Dictionary<string, string?>(StringComparer.Ordinal);
        var wanted = steps.SelectMany(s => (string?[])[s.Now?.Oid, s.Target?.Oid]).OfType<string>().Distinct(StringComparer.Ordinal)
            .ToList();
        await store.ReadAsync(
            wanted,
            async (oid, size, content, token) =>
            {
                texts[oid] = null;
                if (size <= TextBytes)
                {
                    var bytes = new byte[size];
                    await content.ReadExactlyAsync(bytes, token);
                    texts[oid] = Decode(bytes);
                }
            },
            cancellationToken);
        return texts;
    }

    private static string? Decode(byte[] bytes)
    {
        try
        {
            return bytes.Contains((byte)0) ? null : s_strict.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }
}
