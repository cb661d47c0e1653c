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

    private readonly string _machineId;
    private readonly TimeProvider _time;
    private readonly LedgerSigner? _signer;
    private readonly Func<LedgerDistrust?> _distrust;
    private readonly Statement _insert;
    private readonly Statement _last;
    private readonly Statement _ofApproval;
    private readonly Statement _ofDevices;
    private readonly Statement _starts;
    private readonly byte[] _hash = new byte[HashSize];
    private readonly ArrayBufferWriter<byte> _buffer = new(2048);
    private readonly Utf8JsonWriter _writer;

    /// <summary>Whether rows have proofs from some row on; false: the table must be asked.</summary>
    private bool _proofsBegan;

    /// <param name="distrust">Not null while the chain is distrusted: then nothing is appended that decides, starts or grants.</param>
    public ChainAppender(sqlite3 db, string machineId, TimeProvider time, LedgerSigner? signer, Func<LedgerDistrust?> distrust)
    {
        _distrust = distrust;
        _machineId = machineId;
        _signer = signer;
        _time = time;
        _insert = new Statement(db, "INSERT INTO ledger (seq, hash, body, kind, session_id, approval_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
        _last = new Statement(db, "SELECT seq, hash FROM ledger ORDER BY seq DESC LIMIT 1");
        _ofApproval = new Statement(db, "SELECT body FROM ledger WHERE approval_id = ?1 ORDER BY seq");
        _ofDevices = new Statement(
            db,
            $"SELECT body, kind FROM ledger WHERE kind IN ('{LedgerKind.DevicePaired}', '{LedgerKind.DeviceLimited}', '{LedgerKind.DeviceRevoked}') ORDER BY seq");
        _starts = new Statement(
            db,
            $"SELECT 1 FROM ledger WHERE kind = '{LedgerKind.MachineStarted}' AND instr(body, '\"proofs\":\"{DecisionProof.Domain}\"') LIMIT 1");
        _writer = new Utf8JsonWriter(_buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.Default, SkipValidation = true });
        Reload();
    }

    public long Seq { get; private set; }

    public ReadOnlySpan<byte> Hash => _hash;

    /// <summary>Takes the head from the table: at start and after a rollback.</summary>
    public void Reload()
    {
        _hash.AsSpan().Clear();
        Seq = 0;
        _proofsBegan = false;
        if (_last.Step())
        {
            Seq = _last.Int64(0);
            _last.Bytes(1).CopyTo(_hash);
        }

        _last.Reset();
    }

    /// <summary>Whether the table ends with exactly this row.</summary>
    public bool EndsWith(long seq, ReadOnlySpan<byte> expected)
    {
        var same = _last.Step() ? _last.Int64(0) == seq && _last.Bytes(1).SequenceEqual(expected) : seq == 0;
        _last.Reset();
        return same;
    }

    public LedgerRow Append(LedgerEntry entry)
    {
        RequireValid(entry);
        RequireTrust(entry.Kind);
        RequireDecidedBeforeDone(entry);
        var seq = Seq + 1;
        _buffer.ResetWrittenCount();
        _buffer.Write(_hash);
        WriteBody(seq, entry);
        RequireProof(entry, _buffer.WrittenSpan[HashSize..]);
        if (_signer is not null)
        {
            var unsigned = _buffer.WrittenSpan[HashSize..].ToArray();
            var signed = RowSignature.Attach(unsigned, _signer.Sign(RowSignature.Text(_machineId, seq, _hash, unsigned)));
            _buffer.ResetWrittenCount();
            _buffer.Write(_hash);
            _buffer.Write(signed);
        }

        var body = _buffer.WrittenSpan[HashSize..];
        if (body.Length > LedgerLimits.MaxBodyBytes)
        {
            throw new LedgerException(
                LedgerError.TooLarge,
                $"a ledger row of {body.Length} bytes is over the limit of {LedgerLimits.MaxBodyBytes}: store the content elsewhere and its digest here");
        }

        var next = new byte[HashSize];
        SHA256.HashData(_buffer.WrittenSpan, next);
        _insert.Bind(1, seq).BindBlob(2, next).BindText(3, body)
            .Bind(4, entry.Kind).Bind(5, entry.SessionId).Bind(6, entry.ApprovalId).Run();
        Seq = seq;
        next.CopyTo(_hash, 0);
        return new LedgerRow(seq, next, body.ToArray());
    }

    public void Dispose()
    {
        _writer.Dispose();
        _insert.Dispose();
        _last.Dispose();
        _ofApproval.Dispose();
        _ofDevices.Dispose();
        _starts.Dispose();
    }

    private void RequireTrust(string kind)
    {
        if (!DistrustRules.Allows(kind) && _distrust() is { } reason)
        {
            throw Distrusted(reason);
        }
    }

    /// <summary>The refusal, with what to do.</summary>
    public static LedgerException Distrusted(LedgerDistrust distrust) => new(LedgerError.Distrusted, distrust.Row is { } row
        ? string.Create(CultureInfo.InvariantCulture,
            $"The ledger is not the one this machine signed ({distrust.Detail}), so nothing is decided or started. Look at it on the machine: pocketcoder ledger verify. If you know why, go on with: pocketcoder ledger accept {row}")
        : $"The ledger is not the one this machine signed ({distrust.Detail}), so nothing is decided or started. Restart the daemon, then look at it: pocketcoder ledger verify");

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
        Optional(entry.Sandbox, "sandbox");
        if (entry.Actor is { } actor)
        {
            Names.RequireActor(actor);
        }

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
        _ofApproval.Bind(1, entry.ApprovalId);
        while (_ofApproval.Step())
        {
            if (BodyView.TryRead(_ofApproval.Bytes(0), out var row))
            {
                history.Apply(row.Kind!, row.Digest, row.Decision, row.Scope);
            }
        }

        _ofApproval.Reset();
        var data = BodyView.ReadData(entry.Data.Span);
        if (history.Apply(entry.Kind, entry.Digest, data.Decision, data.Scope) is { } problem)
        {
            throw new LedgerException(LedgerError.Undecided, $"{entry.Kind} for approval {entry.ApprovalId} refused: {problem}");
        }
    }

    /// <summary>A row by which somebody decides has a proof, and it holds here and now.</summary>
    private void RequireProof(LedgerEntry entry, ReadOnlySpan<byte> body)
    {
        if (!ProofRules.Proves(entry.Kind))
        {
            return;
        }

        var rules = new ProofRules(_machineId) { Began = ProofsBegan() };
        while (_ofDevices.Step())
        {
            rules.Apply(_ofDevices.Text(1)!, _ofDevices.Bytes(0));
        }

        _ofDevices.Reset();
        Take(rules, entry.ApprovalId);
        Take(rules, BodyView.ReadData(entry.Data.Span).Grant is { } grant && grant != entry.ApprovalId ? grant : null);
        if (rules.Apply(entry.Kind, body) is { } problem)
        {
            throw new LedgerException(LedgerError.Undecided, $"{entry.Kind} refused: {problem}");
        }
    }

    /// <summary>What stands in the table about an approval, as it was taken then.</summary>
    private void Take(ProofRules rules, string? approval)
    {
        if (approval is null)
        {
            return;
        }

        _ofApproval.Bind(1, approval);
        while (_ofApproval.Step())
        {
            if (BodyView.TryRead(_ofApproval.Bytes(0), out var row))
            {
                rules.Apply(row.Kind!, _ofApproval.Bytes(0));
            }
        }

        _ofApproval.Reset();
    }

    private bool ProofsBegan()
    {
        if (!_proofsBegan)
        {
            _proofsBegan = _starts.Step();
            _starts.Reset();
        }

        return _proofsBegan;
    }

    private void WriteBody(long seq, LedgerEntry entry)
    {
        Span<char> at = stackalloc char[24];
        _time.GetUtcNow().UtcDateTime.TryFormat(at, out _, "yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        _writer.Reset(_buffer);
        _writer.WriteStartObject();
        _writer.WriteNumber("v"u8, 1);
        _writer.WriteNumber("seq"u8, seq);
        _writer.WriteString("at"u8, at);
        _writer.WriteString("kind"u8, entry.Kind);
        _writer.WriteString("machineId"u8, _machineId);
        Field("sessionId"u8, entry.SessionId);
        Field("turnId"u8, entry.TurnId);
        Field("approvalId"u8, entry.ApprovalId);
        Field("deviceId"u8, entry.DeviceId);
        Field("actor"u8, entry.Actor);
        Field("sandbox"u8, entry.Sandbox);
        Field("digest"u8, entry.Digest);
        _writer.WritePropertyName("data"u8);
        _writer.WriteRawValue(entry.Data.IsEmpty ? "{}"u8 : entry.Data.Span, skipInputValidation: true);
        _writer.WriteEndObject();
        _writer.Flush();
    }

    private void Field(ReadOnlySpan<byte> name, string? value)
    {
        if (value is not null)
        {
            _writer.WriteString(name, value);
        }
    }
}
