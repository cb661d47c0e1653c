namespace PocketCoder.Ledger;

/// <summary>Identifiers and stream names: short and printable ASCII, since people read them and some go into signed text.</summary>
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
            if (c is < ' ' or > '~')
            {
                throw new LedgerException(LedgerError.InvalidData, $"{field} has a character that is not printable ASCII");
            }
        }

        return value;
    }
}
