namespace PocketCoder.Ledger;

/// <summary>
/// The rules "decided before done" and "approved = executed" for one approval, as a state machine over its rows in
/// order. The same code refuses a wrong row before it is appended and finds one when the chain is verified.
/// </summary>
internal sealed class ApprovalHistory
{
    private string? _digest;
    private bool _requested;
    private bool _closed;
    private bool _allowed;
    private bool _once;
    private bool _started;

    public static bool Concerns(string kind) => kind
        is LedgerKind.ApprovalRequested or LedgerKind.ApprovalAgreed or LedgerKind.ApprovalDecided or LedgerKind.ApprovalExpired
        or LedgerKind.ExecutionStarted or LedgerKind.ExecutionFinished or LedgerKind.ExecutionUnknown;

    /// <summary>Takes the next row of this approval; returns what is wrong with it, or null.</summary>
    public string? Apply(string kind, string? rowDigest, string? decision, string? scope) => kind switch
    {
        LedgerKind.ApprovalRequested => Request(rowDigest),
        LedgerKind.ApprovalAgreed => Open(rowDigest),
        LedgerKind.ApprovalDecided => Decide(rowDigest, decision, scope),
        LedgerKind.ApprovalExpired => Expire(),
        LedgerKind.ExecutionStarted => Start(rowDigest),
        LedgerKind.ExecutionFinished or LedgerKind.ExecutionUnknown => _started ? null : "its execution never started",
        _ => null,
    };

    private string? Request(string? rowDigest)
    {
        if (_requested)
        {
            return "this approval was already requested";
        }

        if (rowDigest is null)
        {
            return "a request needs the digest of what it asks for";
        }

        (_requested, _digest) = (true, rowDigest);
        return null;
    }

    private string? Open(string? rowDigest)
        => !_requested ? "it decides what was never requested"
            : _closed ? "this approval was already decided or has expired"
            : rowDigest != _digest ? "it decides another digest than was requested"
            : null;

    private string? Decide(string? rowDigest, string? decision, string? scope)
    {
        if (Open(rowDigest) is { } problem)
        {
            return problem;
        }

        if (decision is not ("allow" or "deny"))
        {
            return "a decision is \"allow\" or \"deny\"";
        }

        (_closed, _allowed, _once) = (true, decision == "allow", scope == "once");
        return null;
    }

    private string? Expire()
    {
        if (!_requested || _closed)
        {
            return _requested ? "this approval was already decided or has expired" : "it expires what was never requested";
        }

        _closed = true;
        return null;
    }

    private string? Start(string? rowDigest)
    {
        if (!_allowed)
        {
            return "it starts what was never allowed";
        }

        if (rowDigest != _digest)
        {
            return "it starts another digest than was allowed";
        }

        if (_started && _once)
        {
            return "it starts a second time what was allowed once";
        }

        _started = true;
        return null;
    }
}
