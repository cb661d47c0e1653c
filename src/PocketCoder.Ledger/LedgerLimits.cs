namespace PocketCoder.Ledger;

/// <summary>Sizes the ledger accepts. What is larger belongs in a file whose digest stands in the row.</summary>
public static class LedgerLimits
{
    /// <summary>Largest body of a ledger row, in UTF-8 bytes: 1 MiB. An approval is never shortened, so it is generous.</summary>
    public const int MaxBodyBytes = 1 << 20;

    /// <summary>Largest body of a stream event, in UTF-8 bytes: 4 MiB, half of what one channel message may carry.</summary>
    public const int MaxEventBytes = 4 << 20;

    /// <summary>Longest identifier or stream name, in characters.</summary>
    public const int MaxNameLength = 256;

    /// <summary>Most rows one read returns, so that no reader is held for long.</summary>
    public const int MaxPage = 10_000;
}
