namespace PocketCoder.Ledger;

/// <summary>How a ledger is opened. Immutable; checked by <see cref="LedgerStore.OpenAsync"/>.</summary>
/// <param name="Path">The database file. Its folder is made with mode 0700 when it is missing; the file has mode 0600.</param>
/// <param name="MachineId">Identity of the machine; stands in every row, and the ledger opens for this machine only.</param>
public sealed record LedgerOptions(string Path, string MachineId)
{
    /// <summary>The features' own tables, applied in this order after the ledger's own.</summary>
    public IReadOnlyList<MigrationSet> MigrationSets { get; init; } = [];

    /// <summary>Most writes that share one durable commit. 1 to 65,536.</summary>
    public int GroupLimit { get; init; } = 256;

    /// <summary>
    /// Most writes that may wait for the writer; further callers of <see cref="LedgerStore.WriteAsync{T}"/> wait to enter. 1 to 1,000,000.
    /// </summary>
    public int QueueLimit { get; init; } = 4096;

    /// <summary>Read-only connections, so the number of reads that run at once. 1 to 64.</summary>
    public int Readers { get; init; } = 4;

    /// <summary>
    /// Upper bound of the database file in bytes, or null for none. Reached: writes fail with <see cref="LedgerError.DiskFull"/>.
    /// </summary>
    public long? MaxBytes { get; init; }

    /// <summary>Signs every row. Null: rows are not signed, and nothing is compared at the start (tools and tests).</summary>
    public LedgerSigner? Signer { get; init; }

    /// <summary>The file outside of the database with the last signed head; needs <see cref="Signer"/>. Null: none.</summary>
    public string? HeadPath { get; init; }

    internal void Validate()
    {
        Require(!string.IsNullOrWhiteSpace(Path), "the path of a ledger must not be empty");
        Names.Require(MachineId, "machineId");
        Require(GroupLimit is >= 1 and <= 65_536, "GroupLimit must be 1 to 65,536");
        Require(QueueLimit is >= 1 and <= 1_000_000, "QueueLimit must be 1 to 1,000,000");
        Require(Readers is >= 1 and <= 64, "Readers must be 1 to 64");
        Require((Signer is null) == (HeadPath is null), "Signer and HeadPath go together");
        Require(MaxBytes is null or >= 1 << 20, "MaxBytes must be at least 1 MiB");
    }

    private static void Require(bool condition, string message)
    {
        if (!condition)
        {
            throw new LedgerException(LedgerError.InvalidData, message);
        }
    }
}
