using System.Text;

namespace PocketCoder.Ledger;

/// <summary>A row of the chain, exactly as stored.</summary>
/// <param name="Seq">Number of the row, from 1, without gaps.</param>
/// <param name="Hash">SHA-256(hash of the row before | <paramref name="Utf8Body"/>): 32 bytes.</param>
/// <param name="Utf8Body">The exact JSON text that was hashed.</param>
public sealed record LedgerRow(long Seq, ReadOnlyMemory<byte> Hash, ReadOnlyMemory<byte> Utf8Body)
{
    /// <summary>The hash as 64 lower-case hex digits.</summary>
    public string HashHex => Convert.ToHexStringLower(Hash.Span);

    /// <summary>The body as a string.</summary>
    public string Body => Encoding.UTF8.GetString(Utf8Body.Span);
}
