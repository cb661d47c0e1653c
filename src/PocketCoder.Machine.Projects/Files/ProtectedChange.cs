using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Diffs;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Files;

/// <summary>How a change of protected configuration is told to who decides on it.</summary>
internal static class ProtectedChange
{
    public const string Why = "Other programs obey this file: it can make them run something, or widen an agent's rights.";

    /// <summary>Characters of a file beyond which no diff is shown.</summary>
    private const int MostText = 256 * 1024;

    /// <summary>Null: one of both is no text, or too large to be shown.</summary>
    public static FileDiff? Diff(string path, string? before, string? after)
        => (before?.Length ?? 0) > MostText || (after?.Length ?? 0) > MostText
            || before == after ? null : LineDiff.Compute(path, before, after ?? "");
}
