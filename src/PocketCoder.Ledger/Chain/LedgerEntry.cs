using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;

namespace PocketCoder.Ledger;

/// <summary>What is to be appended; the ledger adds version, number, time and machine.</summary>
/// <param name="Kind">One of <see cref="LedgerKind"/>.</param>
public sealed record LedgerEntry(string Kind)
{
    /// <summary>The session it belongs to, if any.</summary>
    public string? SessionId { get; init; }

    /// <summary>The turn it belongs to, if any.</summary>
    public string? TurnId { get; init; }

    /// <summary>The approval it belongs to; required by the approval and execution kinds.</summary>
    public string? ApprovalId { get; init; }

    /// <summary>The device that acted, if one did.</summary>
    public string? DeviceId { get; init; }

    /// <summary>Who acted when it was not a device: <c>rule:…</c>, <c>agent:claude</c>, <c>machine</c>.</summary>
    public string? Actor { get; init; }

    /// <summary>The sandbox in force, as shown to people.</summary>
    public string? Sandbox { get; init; }

    /// <summary>Lower-case hex SHA-256 of the exact thing that is requested, decided or executed.</summary>
    public string? Digest { get; init; }

    /// <summary>One JSON object in UTF-8, without duplicate names; kept compact and ASCII-only. Empty means <c>{}</c>.</summary>
    /// <exception cref="LedgerException"><see cref="LedgerError.InvalidData"/> when set to anything else.</exception>
    public ReadOnlyMemory<byte> Data { get; init => field = Normalise(value); }

    private static readonly JsonDocumentOptions s_strict = new() { AllowDuplicateProperties = false, MaxDepth = 64 };

    private static ReadOnlyMemory<byte> Normalise(ReadOnlyMemory<byte> json)
    {
        if (json.IsEmpty)
        {
            return json;
        }

        if (!Utf8.IsValid(json.Span))
        {
            // JSON readers let bad bytes inside strings pass.
            throw new LedgerException(LedgerError.InvalidData, "the data of a ledger row is not valid UTF-8");
        }

        try
        {
            using var document = JsonDocument.Parse(json, s_strict);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                throw new LedgerException(LedgerError.InvalidData, "the data of a ledger row must be a JSON object");
            }

            var buffer = new ArrayBufferWriter<byte>(json.Length + 16);
            using (var writer = new Utf8JsonWriter(
                buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.Default, SkipValidation = true }))
            {
                document.RootElement.WriteTo(writer);
            }

            return buffer.WrittenMemory;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: a string that is no valid UTF-16 (a lone surrogate written as \ud800).
            throw new LedgerException(LedgerError.InvalidData, "the data of a ledger row is not valid JSON without duplicate names", e);
        }
    }
}
