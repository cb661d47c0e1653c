namespace PocketCoder.Ledger;

/// <summary>Identifiers and stream names: short, printable, and without line ends, since some of them go into signed text.</summary>
internal static class Names
{
    public static string Require(string? value, string field)
    {
        if (string.IsNullOrEmpty(value) || value.Length > LedgerLimits.MaxNameLength)
        {
            throw new LedgerException(LedgerError.InvalidData, $"{field} must have 1 to {LedgerLimits.MaxNameLength} characters");
        }

        foreach (var c in value)
        {
            if (char.IsControl(c) || char.IsSurrogate(c))
            {
                throw new LedgerException(LedgerError.InvalidData, $"{field} has a control character");
            }
        }

        return value;
    }
}
