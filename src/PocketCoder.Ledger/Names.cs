using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace PocketCoder.Ledger;

/// <summary>Identifiers and stream names: short and printable ASCII, since people read them and some go into signed text.</summary>
internal static class Names
{
    /// <summary>The name of somebody, in whatever script: it goes into no signed text of its own, and is escaped in the row.</summary>
    public static void RequireActor(string value)
    {
        RequireLength(value, "actor");
        foreach (var rune in value.EnumerateRunes())
        {
            if (Rune.IsControl(rune) || rune == Rune.ReplacementChar) // half of a surrogate pair reads as that
            {
                throw new LedgerException(LedgerError.InvalidData, "actor has a control character, or one that is no character");
            }
        }
    }

    public static string Require(string? value, string field)
    {
        RequireLength(value, field);

        foreach (var c in value)
        {
            if (c is < ' ' or > '~')
            {
                throw new LedgerException(LedgerError.InvalidData, $"{field} has a character that is not printable ASCII");
            }
        }

        return value;
    }

    private static void RequireLength([NotNull] string? value, string field)
    {
        if (string.IsNullOrEmpty(value) || value.Length > LedgerLimits.MaxNameLength)
        {
            throw new LedgerException(LedgerError.InvalidData, $"{field} must have 1 to {LedgerLimits.MaxNameLength} characters");
        }
    }
}
