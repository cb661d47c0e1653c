using System.Globalization;
using PocketCoder.Protocol;

namespace PocketCoder.Git;

/// <summary>
/// How far a clone is, out of what git says on the way. Only git's own known words count: whatever else the other side writes (its lines
/// have <c>remote:</c> in front) is nothing. Pure.
/// </summary>
public static class ProgressParser
{
    private static readonly (string Words, ClonePhase Phase)[] s_phases =
    [
        ("remote: Counting objects:", ClonePhase.Counting),
        ("remote: Compressing objects:", ClonePhase.Compressing),
        ("Receiving objects:", ClonePhase.Receiving),
        ("Unpacking objects:", ClonePhase.Receiving),
        ("Resolving deltas:", ClonePhase.Resolving),
        ("Updating files:", ClonePhase.CheckingOut),
    ];

    /// <param name="line">Without its end. Untrusted.</param>
    /// <returns>Null: the line says nothing of it.</returns>
    public static (ClonePhase Phase, int Percent)? Parse(ReadOnlySpan<char> line)
    {
        foreach (var (words, phase) in s_phases)
        {
            if (line.StartsWith(words, StringComparison.Ordinal))
            {
                var rest = line[words.Length..].TrimStart(' ');
                var sign = rest.IndexOf('%');
                return sign is > 0 and <= 3
                    && int.TryParse(rest[..sign], NumberStyles.None, CultureInfo.InvariantCulture, out var percent) && percent <= 100
                    ? (phase, percent) : null;
            }
        }

        return null;
    }
}
