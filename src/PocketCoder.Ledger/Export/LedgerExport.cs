using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace PocketCoder.Ledger;

/// <summary>Writes the export that docs/verify-ledger.mjs checks; the format is described in docs/ledger.md.</summary>
internal sealed class LedgerExport(Stream output)
{
    public const string Format = "pocketcoder-ledger-export-1";

    // The lines are data, not HTML; the default encoder would write every quote of a body as \u0022.
    private static readonly JsonWriterOptions s_options = new()
    { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    private readonly ArrayBufferWriter<byte> _buffer = new(64 * 1024);

    public Task WriteHeaderAsync(
        string machineId, string epoch, LedgerSigner signer, DateTimeOffset at, CancellationToken cancellationToken)
    {
        Line(writer =>
        {
            writer.WriteString("format"u8, Format);
            writer.WriteString("machineId"u8, machineId);
            writer.WriteString("ledgerEpoch"u8, epoch);
            writer.WriteString("exportedAt"u8, at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
            writer.WriteString("signingKey"u8, Base64Url.EncodeToString(signer.PublicKey.Span));
        });
        return FlushAsync(cancellationToken);
    }

    public Task WriteRowsAsync(IReadOnlyList<LedgerRow> rows, CancellationToken cancellationToken)
    {
        foreach (var row in rows)
        {
            Line(writer =>
            {
                writer.WriteNumber("seq"u8, row.Seq);
                writer.WriteString("hash"u8, row.HashHex);
                writer.WriteString("body"u8, row.Utf8Body.Span);
            });
        }

        return FlushAsync(cancellationToken);
    }

    public Task WriteHeadAsync(SignedHead signed, CancellationToken cancellationToken)
    {
        Line(writer =>
        {
            writer.WriteStartObject("head"u8);
            writer.WriteString("epoch"u8, signed.Head.Epoch);
            writer.WriteNumber("seq"u8, signed.Head.Seq);
            writer.WriteString("hash"u8, signed.Head.HashHex);
            writer.WriteEndObject();
            writer.WriteString("signature"u8, Base64Url.EncodeToString(signed.Signature.Span));
        });
        return FlushAsync(cancellationToken);
    }

    private void Line(Action<Utf8JsonWriter> fields)
    {
        using (var writer = new Utf8JsonWriter(_buffer, s_options))
        {
            writer.WriteStartObject();
            fields(writer);
            writer.WriteEndObject();
        }

        _buffer.Write("\n"u8);
    }

    private async Task FlushAsync(CancellationToken cancellationToken)
    {
        await output.WriteAsync(_buffer.WrittenMemory, cancellationToken);
        _buffer.ResetWrittenCount();
    }
}
