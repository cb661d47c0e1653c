namespace PocketCoder.Ledger;

/// <summary>Which rows to read. All conditions must hold; rows come by number.</summary>
public sealed record LedgerFilter
{
    /// <summary>Only rows of this kind.</summary>
    public string? Kind { get; init; }

    /// <summary>Only rows of this session.</summary>
    public string? SessionId { get; init; }

    /// <summary>Only rows of this approval.</summary>
    public string? ApprovalId { get; init; }

    /// <summary>Only rows after this number (or, newest first, before it).</summary>
    public long? After { get; init; }

    /// <summary>Newest first.</summary>
    public bool NewestFirst { get; init; }

    /// <summary>Most rows to return, at most <see cref="LedgerLimits.MaxPage"/>.</summary>
    public int Limit { get; init; } = 100;
}
