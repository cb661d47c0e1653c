using System.Collections.Frozen;

namespace PocketCoder.Ledger;

/// <summary>What a ledger row tells. A closed set: <see cref="LedgerTransaction.Append"/> refuses any other.</summary>
public static class LedgerKind
{
    /// <summary>First row of every ledger; its data carries the ledger's epoch, which ties the epoch into the chain.</summary>
    public const string LedgerOpened = "ledger_opened";

    /// <summary>The ledger goes on from a backup; rows after the backup are lost, and every stream has a new epoch.</summary>
    public const string LedgerRestored = "ledger_restored";

    /// <summary>
    /// From this row on every row bears the machine's signature; those before were written by a version that made none. Data has how many.
    /// </summary>
    public const string SigningBegan = "signing_began";

    /// <summary>The chain is not the one that this machine signed; data has what differs, and the signed head that is not in it.</summary>
    public const string LedgerDistrusted = "ledger_distrusted";

    /// <summary>The owner looked into that difference and goes on with the chain as it is; data has how far.</summary>
    public const string LedgerAccepted = "ledger_accepted";

    /// <summary>The daemon started.</summary>
    public const string MachineStarted = "machine_started";

    /// <summary>The daemon stopped in good order.</summary>
    public const string MachineStopped = "machine_stopped";

    /// <summary>A pairing link was shown. Its secret is not in the row.</summary>
    public const string PairingOffered = "pairing_offered";

    /// <summary>A device was paired; data carries <c>deviceSigningKey</c>.</summary>
    public const string DevicePaired = "device_paired";

    /// <summary>A device was revoked; none of its decisions counts from here on.</summary>
    public const string DeviceRevoked = "device_revoked";

    /// <summary>Whose a device is, or what it may allow at most, changed; data has both as they are from here on.</summary>
    public const string DeviceLimited = "device_limited";

    /// <summary>A folder was registered.</summary>
    public const string ProjectAdded = "project_added";

    /// <summary>A folder was unregistered.</summary>
    public const string ProjectRemoved = "project_removed";

    /// <summary>A session with an agent began.</summary>
    public const string SessionStarted = "session_started";

    /// <summary>A session was closed.</summary>
    public const string SessionEnded = "session_ended";

    /// <summary>What was said and done in a session is deleted from here on; its rows stay. Data has which, and who did it.</summary>
    public const string SessionDeleted = "session_deleted";

    /// <summary>
    /// An agent's program was started through the machine's model broker; data says where it runs and whose credential its models are asked
    /// with.
    /// </summary>
    public const string AgentStarted = "agent_started";

    /// <summary>A turn was cut off by a restart or crash.</summary>
    public const string TurnInterrupted = "turn_interrupted";

    /// <summary>A decision was asked for; needs approvalId and digest.</summary>
    public const string ApprovalRequested = "approval_requested";

    /// <summary>A decision was made; needs the request before it, the same digest, and data.decision <c>allow</c> or <c>deny</c>.</summary>
    public const string ApprovalDecided = "approval_decided";

    /// <summary>
    /// The first of two people allowed what two must allow; proved as a decision is. It decides nothing until the second one's
    /// <c>approval_decided</c>.
    /// </summary>
    public const string ApprovalAgreed = "approval_agreed";

    /// <summary>A request ended without a decision.</summary>
    public const string ApprovalExpired = "approval_expired";

    /// <summary>An approved thing is about to start; needs an allowing decision before it with the same digest.</summary>
    public const string ExecutionStarted = "execution_started";

    /// <summary>It ended; data carries the outcome.</summary>
    public const string ExecutionFinished = "execution_finished";

    /// <summary>Whether and how it ended cannot be known.</summary>
    public const string ExecutionUnknown = "execution_unknown";

    /// <summary>What was to run is not what was approved; it did not run.</summary>
    public const string ExecutionRefused = "execution_refused";

    /// <summary>A standing rule or grant was made.</summary>
    public const string RuleAdded = "rule_added";

    /// <summary>A standing rule or grant ended.</summary>
    public const string RuleRemoved = "rule_removed";

    /// <summary>Connections that left a sandbox, or were refused: host, outcome, bytes.</summary>
    public const string NetworkUsed = "network_used";

    /// <summary>A setting that matters for safety changed.</summary>
    public const string ConfigurationChanged = "configuration_changed";

    /// <summary>
    /// Files of a project are about to be brought back; data has who asked, for what, and the digest of exactly what is done.
    /// </summary>
    public const string UndoStarted = "undo_started";

    /// <summary>They were; data has how many, and what could not be.</summary>
    public const string UndoFinished = "undo_finished";

    /// <summary>A person changes something in a project's files; data has what, the digest is of the content that is written.</summary>
    public const string FileChanged = "file_changed";

    /// <summary>Something happened that a person must know, such as a drift between approved and executed.</summary>
    public const string AlarmRaised = "alarm_raised";

    /// <summary>A person opens a terminal in a session's sandbox.</summary>
    public const string TerminalOpened = "terminal_opened";

    /// <summary>A line that a person typed in a terminal, before its Enter is typed: that device's own decision.</summary>
    public const string TerminalCommand = "terminal_command";

    /// <summary>A terminal ended.</summary>
    public const string TerminalClosed = "terminal_closed";

    /// <summary>A person changes something in a project's git repository: that device's own decision, written before it is done.</summary>
    public const string GitChanged = "git_changed";

    /// <summary>
    /// A person runs a command once in a project, before it begins: that device's own decision. Data has the exact command.
    /// </summary>
    public const string CommandStarted = "command_started";

    /// <summary>It is over; data has how, and the digest of what it wrote.</summary>
    public const string CommandFinished = "command_finished";

    /// <summary>A rule of the project did not let a command run; data has which. Nothing began.</summary>
    public const string CommandRefused = "command_refused";

    /// <summary>All kinds.</summary>
    public static FrozenSet<string> All { get; } = new[]
    {
        LedgerOpened, LedgerRestored, SigningBegan, LedgerDistrusted, LedgerAccepted, MachineStarted, MachineStopped, PairingOffered,
        DevicePaired, DeviceRevoked, DeviceLimited,
        ProjectAdded, ProjectRemoved, SessionStarted, SessionEnded, SessionDeleted, AgentStarted, TurnInterrupted, ApprovalRequested,
        ApprovalAgreed, ApprovalDecided,
        ApprovalExpired, ExecutionStarted, ExecutionFinished, ExecutionUnknown, ExecutionRefused, RuleAdded, RuleRemoved,
        NetworkUsed, ConfigurationChanged, UndoStarted, UndoFinished, FileChanged, AlarmRaised, TerminalOpened, TerminalCommand,
        TerminalClosed,
        GitChanged, CommandStarted, CommandFinished, CommandRefused,
    }.ToFrozenSet(StringComparer.Ordinal);
}
