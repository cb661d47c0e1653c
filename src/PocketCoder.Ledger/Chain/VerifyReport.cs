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
    /// <summary>True when nothing is wrong.</summary>
    public bool Ok => Fault is null;
}
