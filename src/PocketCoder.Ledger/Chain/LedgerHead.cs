using System.Text;

namespace PocketCoder.Ledger;

/// <summary>The last durable row. Whoever remembers one notices when the chain is rewound or rewritten below it.</summary>
/// <param name="Epoch">16 hex digits made at random when the ledger was made.</param>
/// <param name="Seq">Number of the last row.</param>
/// <param name="HashHex">Its hash, 64 lower-case hex digits.</param>
public sealed record LedgerHead(string Epoch, long Seq, string HashHex)
{
    /// <summary>The UTF-8 text that the machine's signing key signs; see docs/ledger.md.</summary>
    public byte[] SignedText(string machineId)
        => Encoding.UTF8.GetBytes($"pocketcoder-ledger-head-v1\n{machineId}\n{Epoch}\n{Seq}\n{HashHex}");
}

/// <summary>A head with the machine's signature over <see cref="LedgerHead.SignedText"/>.</summary>
/// <param name="Head">What is signed.</param>
/// <param name="MachineId">For which machine.</param>
/// <param name="Signature">ECDSA P-256 with SHA-256, IEEE P1363 (64 bytes).</param>
public sealed record SignedHead(LedgerHead Head, string MachineId, ReadOnlyMemory<byte> Signature);

/// <summary>A row that somebody remembered: it must still be there, with this hash.</summary>
/// <param name="Seq">Number of the row.</param>
/// <param name="HashHex">Its hash, 64 lower-case hex digits.</param>
public sealed record LedgerCheckpoint(long Seq, string HashHex);

/// <summary>The machine's signing key, which lives outside the ledger.</summary>
/// <param name="PublicKey">65 bytes: the uncompressed P-256 point.</param>
/// <param name="Sign">ECDSA P-256 with SHA-256 over the bytes it is given; returns IEEE P1363 (64 bytes).</param>
public sealed record LedgerSigner(ReadOnlyMemory<byte> PublicKey, Func<byte[], byte[]> Sign);
