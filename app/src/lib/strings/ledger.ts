import { catalogue } from "./language";
import { counted } from "./plural";

/** The words of the ledger's screen, which comes later than the first load. */
const english = {
  kinds: {
    ledger_opened: "Ledger created",
    ledger_restored: "Ledger restored from backup",
    signing_began: "Row signing started",
    ledger_distrusted: "Ledger does not match its signature",
    ledger_accepted: "Ledger accepted by the owner",
    machine_started: "Daemon started",
    machine_stopped: "Daemon stopped",
    pairing_offered: "Pairing link created",
    device_paired: "Device paired",
    device_limited: "Device limited",
    device_revoked: "Device revoked",
    project_added: "Project added",
    project_removed: "Project removed",
    session_started: "Session started",
    session_ended: "Session ended",
    session_deleted: "Session deleted",
    agent_started: "Agent started",
    turn_interrupted: "Turn interrupted",
    approval_requested: "Approval requested",
    approval_agreed: "First of two people",
    approval_decided: "Decided",
    approval_expired: "Closed without a decision",
    execution_started: "Started",
    execution_finished: "Finished",
    execution_unknown: "Outcome unknown",
    execution_refused: "Not run",
    rule_added: "Network rule added",
    rule_removed: "Network rule removed",
    network_used: "Network used",
    configuration_changed: "Setting changed",
    undo_started: "Undo started",
    undo_finished: "Undo finished",
    file_changed: "File changed",
    alarm_raised: "Alarm",
    terminal_opened: "Terminal opened",
    terminal_command: "Terminal input",
    terminal_closed: "Terminal closed",
    git_changed: "Git changed",
    command_started: "Command started",
    command_finished: "Command finished",
    command_refused: "Command refused by a rule",
  } as Record<string, string>,
  /** A kind that this version of the app does not know: its name, readable. */
  unknownKind: (kind: string) => (kind === "" ? "Unreadable row" : `${kind.charAt(0).toUpperCase()}${kind.slice(1).replaceAll("_", " ")}`),
  decisions: { allow: "Allowed", deny: "Denied" } as Record<string, string>,
  scopes: { once: "once", turn: "for the turn", session: "for the session", project: "in the project" } as Record<string, string>,
  /** How it was proved who decided. */
  proofs: {
    "device-key": "signed by the device",
    "owner-socket": "by the owner at the machine",
    grant: "by an earlier allowance",
    "chat-platform": "as a chat platform says",
  } as Record<string, string>,
  /** Instead of the last of them, when the row names the platform. */
  chat: (platform: string) => `as ${platform} says`,
  unproved: "no proof recorded",
  notFound: "The row that describes it was not found.",
  files: (n: string) => counted(Number(n), { one: "file", other: "files" }),
  unsigned: (n: string) => `${counted(Number(n), { one: "row", other: "rows" })} before it unsigned`,
};

export const l: typeof english = catalogue("ledger", english);
