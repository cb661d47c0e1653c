namespace PocketCoder.Protocol;

/// <summary>
/// The head of the ledger, signed by the machine. The signed text is
/// <c>pocketcoder-ledger-head-v1\n{machineId}\n{epoch}\n{seq}\n{hash}</c>.
/// </summary>
/// <param name="Hash">Lower-case hex SHA-256.</param>
/// <param name="Signature">base64url, ECDSA P-256 SHA-256, r‖s.</param>
public sealed record LedgerHead(string Epoch, long Seq, string Hash, string Signature);

/// <summary>Asks for the head and, with <paramref name="AtSeq"/>, the hash at an earlier row: a device checks that the head it remembers is still part of the chain.</summary>
public sealed record LedgerHeadRequest(long? AtSeq = null);

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
public sealed record LedgerVerifyResponse(bool Intact, long Rows, long? FirstBadSeq, string? Problem, LedgerHead Head);
