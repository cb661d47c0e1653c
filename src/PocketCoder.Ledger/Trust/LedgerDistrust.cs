using System.Buffers.Text;
using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace PocketCoder.Ledger;

/// <summary>Why the chain in the database is not the one this machine signed.</summary>
/// <param name="Kind">What differs.</param>
/// <param name="Detail">In words, without row content.</param>
/// <param name="Row">The row that records it, to be named when it is accepted; null: none could be written, restart the daemon
/// first.</param>
public sealed record LedgerDistrust(LedgerFaultKind Kind, string Detail, long? Row);

/// <summary>
/// What may still be written while the ledger is distrusted: ends, refusals and the record of the difference; nothing that decides, starts
/// or grants.
/// </summary>
internal static class DistrustRules
{
    private static readonly FrozenSet<string> s_allowed = new[]
    {
        LedgerKind.LedgerOpened, LedgerKind.LedgerRestored, LedgerKind.LedgerDistrusted, LedgerKind.LedgerAccepted, LedgerKind.SigningBegan,
        LedgerKind.MachineStarted,
        LedgerKind.MachineStopped, LedgerKind.DeviceRevoked, LedgerKind.ProjectRemoved, LedgerKind.SessionEnded, LedgerKind.TurnInterrupted,
        LedgerKind.ApprovalExpired,
        LedgerKind.ExecutionFinished, LedgerKind.ExecutionUnknown, LedgerKind.ExecutionRefused, LedgerKind.RuleRemoved,
        LedgerKind.NetworkUsed, LedgerKind.UndoFinished,
        LedgerKind.AlarmRaised, LedgerKind.TerminalClosed, LedgerKind.CommandFinished, LedgerKind.CommandRefused,
    }.ToFrozenSet(StringComparer.Ordinal);

    public static bool Allows(string kind) => s_allowed.Contains(kind);

    /// <summary>Only the store itself writes these.</summary>
    public static bool IsOwn(string kind) => kind is LedgerKind.LedgerDistrusted or LedgerKind.LedgerAccepted or LedgerKind.SigningBegan;
}

/// <summary>A head that this machine signed once and that the chain does not contain.</summary>
internal sealed record LostHead(string Epoch, long Seq);

/// <param name="Known">The signed head that is not in the chain: proof for whoever reads the row. Null when there is none.</param>
internal sealed record DistrustedData(string Problem, string Detail, DistrustedHead? Known, string? From);

/// <param name="Signature">base64url.</param>
internal sealed record DistrustedHead(string Epoch, long Seq, string Hash, string Signature)
{
    public static DistrustedHead Of(LedgerHead head, ReadOnlySpan<byte> signature)
        => new(head.Epoch, head.Seq, head.HashHex, Base64Url.EncodeToString(signature));
}

/// <param name="Row">The row that told the difference.</param>
/// <param name="Lost">How far: heads up to these need not be in the chain any more.</param>
internal sealed record AcceptedData(string By, long Row, string Problem, IReadOnlyList<LostHead> Lost);

/// <param name="BackupAt">When the copy was made, as it says itself.</param>
/// <param name="Lost">How far the ledger had got that the copy took the place of, as the restore wrote it down.</param>
internal sealed record RestoredData(string BackupAt, IReadOnlyList<LostHead>? Lost);

/// <param name="UnsignedRows">How many rows before this one bear no signature: written by a version that made none.</param>
internal sealed record SigningBeganData(long UnsignedRows);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(DistrustedData))]
[JsonSerializable(typeof(AcceptedData))]
[JsonSerializable(typeof(RestoredData))]
[JsonSerializable(typeof(SigningBeganData))]
internal sealed partial class TrustJson : JsonSerializerContext;
