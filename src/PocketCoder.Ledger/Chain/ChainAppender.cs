using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;
using SQLitePCL;

namespace PocketCoder.Ledger;

/// <summary>Builds, hashes and stores rows. Owned by the writer; holds the head within the open transaction.</summary>
internal sealed class ChainAppender : IDisposable
{
    private const int HashSize = SHA256.HashSizeInBytes;

    private readonly string machineId;
    private readonly TimeProvider time;
    private readonly Statement insert;
    private readonly Statement last;
    private readonly Statement ofApproval;
    private readonly byte[] hash = new byte[HashSize];
    private readonly ArrayBufferWriter<byte> buffer = new(2048);
    private readonly Utf8JsonWriter writer;

    public ChainAppender(sqlite3 db, string machineId, TimeProvider time)
    {
        this.machineId = machineId;
        this.time = time;
        insert = new Statement(db, "INSERT INTO ledger (seq, hash, body, kind, session_id, approval_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
        last = new Statement(db, "SELECT seq, hash FROM ledger ORDER BY seq DESC LIMIT 1");
        ofApproval = new Statement(db, "SELECT body FROM ledger WHERE approval_id = ?1 ORDER BY seq");
        writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.Default, SkipValidation = true });
        Reload();
    }

    public long Seq { get; private set; }

    public ReadOnlySpan<byte> Hash => hash;

    /// <summary>Takes the head from the table: at start and after a rollback.</summary>
    public void Reload()
    {
        hash.AsSpan().Clear();
        Seq = 0;
        if (last.Step())
        {
            Seq = last.Int64(0);
            last.Bytes(1).CopyTo(hash);
        }

        last.Reset();
    }

    public LedgerRow Append(LedgerEntry entry)
    {
        RequireValid(entry);
        RequireDecidedBeforeDone(entry);
        var seq = Seq + 1;
        buffer.ResetWrittenCount();
        buffer.Write(hash);
        WriteBody(seq, entry);
        var body = buffer.WrittenSpan[HashSize..];
        if (body.Length > LedgerLimits.MaxBodyBytes)
        {
            throw new LedgerException(
                LedgerError.TooLarge,
                $"a ledger row of {body.Length} bytes is over the limit of {LedgerLimits.MaxBodyBytes}: store the content elsewhere and its digest here");
        }

        var next = new byte[HashSize];
        SHA256.HashData(buffer.WrittenSpan, next);
        insert.Bind(1, seq).BindBlob(2, next).BindText(3, body)
            .Bind(4, entry.Kind).Bind(5, entry.SessionId).Bind(6, entry.ApprovalId).Run();
        Seq = seq;
        next.CopyTo(hash, 0);
        return new LedgerRow(seq, next, body.ToArray());
    }

    public void Dispose()
    {
        writer.Dispose();
        insert.Dispose();
        last.Dispose();
        ofApproval.Dispose();
    }

    private static void RequireValid(LedgerEntry entry)
    {
        if (!LedgerKind.All.Contains(entry.Kind))
        {
            throw new LedgerException(LedgerError.InvalidData, $"'{entry.Kind}' is no ledger kind");
        }

        Optional(entry.SessionId, "sessionId");
        Optional(entry.TurnId, "turnId");
        Optional(entry.ApprovalId, "approvalId");
        Optional(entry.DeviceId, "deviceId");
        Optional(entry.Actor, "actor");
        Optional(entry.Sandbox, "sandbox");
        if (entry.Digest is { } digest && !(digest.Length == 2 * HashSize && digest.All(char.IsAsciiHexDigitLower)))
        {
            throw new LedgerException(LedgerError.InvalidData, "digest must be 64 lower-case hex digits");
        }
    }

    private static void Optional(string? value, string field)
    {
        if (value is not null)
        {
            Names.Require(value, field);
        }
    }

    private void RequireDecidedBeforeDone(LedgerEntry entry)
    {
        if (!ApprovalHistory.Concerns(entry.Kind))
        {
            return;
        }

        if (entry.ApprovalId is null)
        {
            throw new LedgerException(LedgerError.Undecided, $"{entry.Kind} needs an approvalId");
        }

        var history = new ApprovalHistory();
        ofApproval.Bind(1, entry.ApprovalId);
        while (ofApproval.Step())
        {
            if (BodyView.TryRead(ofApproval.Bytes(0), out var row))
            {
                history.Apply(row.Kind!, row.Digest, row.Decision, row.Scope);
            }
        }

        ofApproval.Reset();
        var data = BodyView.ReadData(entry.Data.Span);
        if (history.Apply(entry.Kind, entry.Digest, data.Decision, data.Scope) is { } problem)
        {
            throw new LedgerException(LedgerError.Undecided, $"{entry.Kind} for approval {entry.ApprovalId} refused: {problem}");
        }
    }

    private void WriteBody(long seq, LedgerEntry entry)
    {
        Span<char> at = stackalloc char[24];
        time.GetUtcNow().UtcDateTime.TryFormat(at, out _, "yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        writer.Reset(buffer);
        writer.WriteStartObject();
        writer.WriteNumber("v"u8, 1);
        writer.WriteNumber("seq"u8, seq);
        writer.WriteString("at"u8, at);
        writer.WriteString("kind"u8, entry.Kind);
        writer.WriteString("machineId"u8, machineId);
        Field("sessionId"u8, entry.SessionId);
        Field("turnId"u8, entry.TurnId);
        Field("approvalId"u8, entry.ApprovalId);
        Field("deviceId"u8, entry.DeviceId);
        Field("actor"u8, entry.Actor);
        Field("sandbox"u8, entry.Sandbox);
        Field("digest"u8, entry.Digest);
        writer.WritePropertyName("data"u8);
        writer.WriteRawValue(entry.Data.IsEmpty ? "{}"u8 : entry.Data.Span, skipInputValidation: true);
        writer.WriteEndObject();
        writer.Flush();
    }

    private void Field(ReadOnlySpan<byte> name, string? value)
    {
        if (value is not null)
        {
            writer.WriteString(name, value);
        }
    }
}
