using System.Buffers.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using PocketCoder.Platform;

namespace PocketCoder.Ledger;

/// <summary>
/// The newest head, signed, in a file of its own outside of the database. It is written after its row is on disk, so it may lag behind
/// the chain and is never ahead of it: a chain that does not contain it was rewound, rewritten or replaced.
/// Whole or not at all (a new file, flushed, renamed, the folder flushed). Mode 0600. Not thread-safe: one writer at a time.
/// </summary>
public sealed class HeadFile(string path)
{
    private const int Format = 1;
    private const int MaxBytes = 64 * 1024;

    /// <summary>The head of a ledger without rows: from here on every row is signed.</summary>
    internal static LedgerHead Empty { get; } = new("", 0, new string('0', 64));

    /// <summary>Reads the file. Null when there is none.</summary>
    /// <exception cref="LedgerException"><see cref="LedgerError.Corrupt"/>: it is there, but it is no head signed by this
    /// machine</exception>
    internal KnownHead? Read(string machineId, MachineKey key)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            if (new FileInfo(path).Length <= MaxBytes
                && JsonSerializer.Deserialize(File.ReadAllBytes(path), HeadFileJson.Default.HeadFileText) is { Format: Format } text
                && text.MachineId == machineId)
            {
                var head = new LedgerHead(text.Epoch, text.Seq, text.Hash);
                var signature = Base64Url.DecodeFromChars(text.Signature);
                if (key.Verify(head.SignedText(machineId), signature))
                {
                    return new KnownHead(head, signature, text.Lost is { } lost ? new LedgerHead(lost.Epoch, lost.Seq, lost.Hash) : null);
                }
            }
        }
        catch (Exception e) when (e is JsonException or FormatException or IOException or UnauthorizedAccessException)
        {
            throw Unusable(e);
        }

        throw Unusable(null);
    }

    /// <summary>Puts a head in the place of the one before.</summary>
    /// <param name="lost">The head that a restored backup took the place of; goes into the row that says so.</param>
    /// <exception cref="LedgerException"><see cref="LedgerError.Io"/></exception>
    public void Write(LedgerHead head, string machineId, LedgerSigner signer, LedgerHead? lost = null)
    {
        try
        {
            var text = new HeadFileText(
                Format, machineId, head.Epoch, head.Seq, head.HashHex, Base64Url.EncodeToString(signer.Sign(head.SignedText(machineId))),
                lost is null ? null : new LostHeadText(lost.Epoch, lost.Seq, lost.HashHex));
            PrivateFile.Replace(path, JsonSerializer.SerializeToUtf8Bytes(text, HeadFileJson.Default.HeadFileText));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new LedgerException(LedgerError.Io, $"{path} can't be written: {e.Message}", e);
        }
    }

    /// <summary>
    /// Removes what a write that was cut off left beside the file. Only for who is alone with the ledger. What can't be removed stays and
    /// does no harm.
    /// </summary>
    internal void RemoveLeftovers()
    {
        try
        {
            PrivateFile.RemoveLeftovers(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The next write tells of a folder that can't be written.
        }
    }

    private LedgerException Unusable(Exception? inner)
        => new(LedgerError.Corrupt, $"{path} is no head that this machine signed", inner);
}

/// <param name="Lost">The head that a restored backup took the place of.</param>
internal sealed record KnownHead(LedgerHead Head, ReadOnlyMemory<byte> Signature, LedgerHead? Lost);

/// <param name="Signature">base64url, over <see cref="LedgerHead.SignedText"/>.</param>
internal sealed record HeadFileText(
    int Format, string MachineId, string Epoch, long Seq, string Hash, string Signature, LostHeadText? Lost);

internal sealed record LostHeadText(string Epoch, long Seq, string Hash);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(HeadFileText))]
internal sealed partial class HeadFileJson : JsonSerializerContext;
