namespace PocketCoder.Ledger;

/// <summary>
/// The rules "decided before done" and "approved = executed" for one approval, as a state machine over its rows in
/// order. The same code refuses a wrong row before it is appended and finds one when the chain is verified.
/// </summary>
internal sealed class ApprovalHistory
{
    private string? digest;
    private bool requested;
    private bool closed;
    private bool allowed;
    private bool once;
    private bool started;

    public static bool Concerns(string kind) => kind
        is LedgerKind.ApprovalRequested or LedgerKind.ApprovalDecided or LedgerKind.ApprovalExpired
        or LedgerKind.ExecutionStarted or LedgerKind.ExecutionFinished or LedgerKind.ExecutionUnknown;

    /// <summary>Takes the next row of this approval; returns what is wrong with it, or null.</summary>
    public string? Apply(string kind, string? rowDigest, string? decision, string? scope) => kind switch
    {
        LedgerKind.ApprovalRequested => Request(rowDigest),
        LedgerKind.ApprovalDecided => Decide(rowDigest, decision, scope),
        LedgerKind.ApprovalExpired => Expire(),
        LedgerKind.ExecutionStarted => Start(rowDigest),
        LedgerKind.ExecutionFinished or LedgerKind.ExecutionUnknown => started ? null : "its execution never started",
        _ => null,
    };

    private string? Request(string? rowDigest)
    {
        if (requested)
        {
            return "this approval was already requested";
        }

        if (rowDigest is null)
        {
            return "a request needs the digest of what it asks for";
        }

        (requested, digest) = (true, rowDigest);
        return null;
    }

    private string? Decide(string? rowDigest, string? decision, string? scope)
    {
        if (!requested)
        {
            return "it decides what was never requested";
        }

        if (closed)
        {
            return "this approval was already decided or has expired";
        }

        if (rowDigest != digest)
        {
            return "it decides another digest than was requested";
        }

        if (decision is not ("allow" or "deny"))
        {
            return "a decision is \"allow\" or \"deny\"";
        }

        (closed, allowed, once) = (true, decision == "allow", scope == "once");
        return null;
    }

    private string? Expire()
    {
        if (!requested || closed)
        {
            return requested ? "this approval was already decided or has expired" : "it expires what was never requested";
        }

        closed = true;
        return null;
    }

    private string? Start(string? rowDigest)
    {
        if (!allowed)
        {
            return "it starts what was never allowed";
        }

        if (rowDigest != digest)
        {
            return "it starts another digest than was allowed";
        }

        if (started && once)
        {
            return "it starts a second time what was allowed once";
        }

        started = true;
        return null;
    }
}
