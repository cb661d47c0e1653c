namespace PocketCoder.Protocol;

/// <summary>
/// The head of the ledger, signed by the machine. The signed text is
/// <c>pocketcoder-ledger-head-v1\n{machineId}\n{epoch}\n{seq}\n{hash}</c>.
/// </summary>
/// <param name="Hash">Lower-case hex SHA-256.</param>
/// <param name="Signature">base64url, ECDSA P-256 SHA-256, r‖s.</param>
public sealed record LedgerHead(string Epoch, long Seq, string Hash, string Signature);

/// <summary>
/// Asks for the head and, with <paramref name="AtSeq"/>, the hash at an earlier row: a device checks that the head it remembers is still
/// part of the chain. With <paramref name="Remembered"/> the machine compares too: a head that it signed itself and that its chain does not
/// contain stops new decisions.
/// </summary>
/// <param name="Remembered">The newest head this device has seen, as the machine signed it.</param>
public sealed record LedgerHeadRequest(long? AtSeq = null, LedgerHead? Remembered = null);

public sealed record LedgerHeadResponse(LedgerHead Head, string? HashAt);

/// <summary>Rows newest first.</summary>
/// <param name="Before">Only rows with a smaller seq.</param>
/// <param name="Limit">1–200.</param>
public sealed record LedgerListRequest(long? Before = null, int Limit = 50, Guid? AgentSessionId = null, Guid? ApprovalId = null);

/// <param name="Body">The exact JSON text that the hash covers.</param>
public sealed record LedgerRowInfo(long Seq, string Hash, string Body);

public sealed record LedgerListResponse(IReadOnlyList<LedgerRowInfo> Rows, bool More);

public sealed record LedgerVerifyRequest;

/// <param name="FirstBadSeq">Where the chain breaks, when it does.</param>
/// <param name="SignedFrom">The first row that bears the machine's signature; what stands before was written by a version that made none.
/// Null: no row.</param>
/// <param name="Accepted">Rows by which the owner accepted that the chain was not the one the machine had signed.</param>
/// <param name="Checked">What was checked, in words.</param>
/// <param name="NotChecked">What was not, in words.</param>
public sealed record LedgerVerifyResponse(
    bool Intact, long Rows, long? FirstBadSeq, string? Problem, LedgerHead Head, long? SignedFrom, IReadOnlyList<long> Accepted,
    IReadOnlyList<string> Checked, IReadOnlyList<string> NotChecked);
