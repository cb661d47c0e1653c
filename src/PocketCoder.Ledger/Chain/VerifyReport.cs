namespace PocketCoder.Ledger;

/// <summary>What is wrong with a ledger.</summary>
public enum LedgerFaultKind
{
    /// <summary>The hash of a row is not SHA-256(hash before | body): this row, its hash, or the hash before it was altered.</summary>
    Altered,

    /// <summary>A number is missing (or out of order).</summary>
    Gap,

    /// <summary>The chain holds, but a body is no ledger body, or says another number, machine or version than its row.</summary>
    BodyMismatch,

    /// <summary>A lookup column says something else than the body.</summary>
    LookupDrift,

    /// <summary>A remembered row is not there any more: the end was cut off.</summary>
    Truncated,

    /// <summary>A remembered row has another hash: the chain was rewritten at or below it.</summary>
    Rewritten,

    /// <summary>The first row does not open this ledger.</summary>
    WrongEpoch,

    /// <summary>A row breaks "decided before done" or "approved = executed".</summary>
    Undecided,

    /// <summary>A row that is not signed by this machine stands above one that is: something else wrote it.</summary>
    NotSigned,

    /// <summary>The file outside of the database with the last signed head is gone, or is none.</summary>
    HeadMissing,

    /// <summary>The machine found its chain to be another than it signed, and the owner has not accepted that.</summary>
    Distrusted,

    /// <summary>SQLite's own check of the file failed, or the file could not be read.</summary>
    FileDamaged,
}

/// <summary>The first thing found wrong; what stands below it was verified, nothing can be said of what stands above.</summary>
/// <param name="Kind">What.</param>
/// <param name="Seq">At which row; 0 when it is about the file.</param>
/// <param name="Detail">In words, without row content.</param>
public sealed record LedgerFault(LedgerFaultKind Kind, long Seq, string Detail);

/// <summary>Result of a verification.</summary>
/// <param name="Rows">How many rows were verified.</param>
/// <param name="Head">The last verified row; null when there is none.</param>
/// <param name="Fault">The first fault, or null.</param>
public sealed record VerifyReport(long Rows, LedgerHead? Head, LedgerFault? Fault)
{
    /// <summary>
    /// The first row that bears the machine's signature: everything before was written by a version that made none. Null: no row does.
    /// </summary>
    public long? SignedFrom { get; init; }

    /// <summary>How many signatures of the machine were checked with its key; 0 when no key was given.</summary>
    public long SignaturesChecked { get; init; }

    /// <summary>Rows by which the owner accepted that the chain is not the one that was signed.</summary>
    public IReadOnlyList<long> Accepted { get; init; } = [];

    /// <summary>
    /// Decisions of a version that did not say how they were proved, with nothing behind them but the machine's word that the owner made
    /// them.
    /// </summary>
    public long Untold { get; init; }

    /// <summary>True when nothing is wrong.</summary>
    public bool Ok => Fault is null;
}
