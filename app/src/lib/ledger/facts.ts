import type { LedgerRowInfo } from "../protocol/generated";

/** The fields of a row that are shown. What is missing or of another type is null: the exact text is always at hand. */
export interface LedgerFacts {
  readonly kind: string;
  readonly at: number | null;
  readonly actor: string | null;
  readonly deviceId: string | null;
  readonly sessionId: string | null;
  readonly approvalId: string | null;
  readonly decision: string | null;
  readonly scope: string | null;
  /** How it was proved who decided. Null: the row decides nothing, or an older machine wrote it. */
  readonly proof: string | null;
  /** The chat platform that says who decided. */
  readonly platform: string | null;
  readonly exitCode: number | null;
  /** What the row is about: the command, the file, the host. Null: a row above or below has it, or there is nothing to name. */
  readonly what: string | null;
  /** What the row adds to that: a reason, an outcome, the new value. */
  readonly detail: string | null;
  /** Ties rows of one thing together beside its approval: a command's run. */
  readonly runId: string | null;
}

type Data = Record<string, unknown>;
type Said = readonly [what: string | null, detail?: string | null];

/** What each kind of row names. Kinds whose row names nothing itself are joined with the row that does (`Subjects`). */
const SAYS: Readonly<Record<string, (data: Data) => Said>> = {
  ledger_opened: () => [null],
  ledger_restored: (data) => [null, text(data["backupAt"])],
  signing_began: (data) => [null, count(data["unsignedRows"])],
  ledger_distrusted: (data) => [text(data["problem"]), text(data["detail"])],
  ledger_accepted: (data) => [text(data["problem"])],
  machine_started: (data) => [text(data["version"]), text(record(data["settings"])["sandbox"])],
  machine_stopped: (data) => [null, text(data["reason"])],
  pairing_offered: (data) => [words(data["scopes"])],
  device_paired: (data) => [text(data["name"]), words(data["scopes"])],
  device_limited: (data) => [text(data["name"]), joined(", ", text(data["person"]), text(data["tier"])?.replaceAll("_", " ") ?? null)],
  device_revoked: (data) => [text(data["name"])],
  project_added: (data) => [text(data["name"]), joined(" ← ", text(data["path"]), text(data["from"]))],
  project_removed: (data) => [text(data["name"]), text(data["path"])],
  session_started: (data) => [text(data["agent"]), text(data["path"])],
  session_ended: () => [null],
  session_deleted: (data) => [text(data["agent"]), text(data["path"])],
  agent_started: (data) => [text(data["agent"])],
  turn_interrupted: (data) => [null, text(data["reason"])],
  approval_requested: (data) => [text(data["what"])],
  approval_agreed: (data) => [null, text(data["person"])],
  approval_decided: (data) => [null, text(data["reason"])],
  approval_expired: (data) => [null, text(data["reason"])],
  execution_started: (data) => [text(data["what"])],
  execution_finished: (data) => [null, text(data["stoppedBy"])],
  execution_unknown: (data) => [null, text(data["reason"])],
  execution_refused: (data) => [null, text(data["reason"])],
  rule_added: (data) => [text(data["pattern"])],
  rule_removed: (data) => [text(data["pattern"])],
  network_used: (data) => [joined(":", text(data["host"]), count(data["port"])), joined(", ", text(data["outcome"]), text(data["why"]))],
  configuration_changed: (data) => [
    joined(" ", text(data["what"])?.replaceAll("_", " ") ?? null, text(data["name"])),
    joined(" → ", text(data["old"]), text(data["value"]) ?? text(data["action"])),
  ],
  undo_started: (data) => [null, count(data["files"])],
  undo_finished: (data) => [null, count(data["files"])],
  file_changed: (data) => [joined(" → ", text(data["path"]), text(data["to"])), text(data["failed"])],
  alarm_raised: (data) => [null, text(data["problem"]) ?? text(data["reason"])],
  terminal_opened: (data) => [text(data["terminal"]), text(data["cwd"])],
  terminal_command: (data) => [text(data["line"]) ?? text(data["shown"]), text(data["notKept"])],
  terminal_closed: (data) => [text(data["terminal"]), text(data["reason"])],
  git_changed: (data) => [joined(" ", text(data["action"])?.replaceAll("_", " ") ?? null, text(data["target"])), words(data["paths"])],
  command_started: (data) => [text(data["what"])],
  command_finished: (data) => [null, text(data["reason"]) ?? text(data["signal"])],
  command_refused: (data) => [text(data["what"]), text(data["rule"])],
};

export function factsOf(body: string): LedgerFacts {
  const row = parse(body);
  const data = record(row["data"]);
  const at = Date.parse(text(row["at"]) ?? "");
  const kind = text(row["kind"]) ?? "";
  // A kind of a newer machine: the names that most rows use.
  const [what, detail = null] = (
    SAYS[kind] ?? ((): Said => [text(data["what"]) ?? text(data["name"]) ?? text(data["path"]), text(data["reason"])])
  )(data);
  return {
    kind,
    at: Number.isNaN(at) ? null : at,
    actor: text(row["actor"]),
    deviceId: text(row["deviceId"]),
    sessionId: text(row["sessionId"]),
    approvalId: text(row["approvalId"]),
    decision: text(data["decision"]),
    scope: text(data["scope"]),
    proof: text(data["proof"]),
    platform: text(data["platform"]),
    exitCode: typeof data["exitCode"] === "number" ? data["exitCode"] : null,
    what,
    detail,
    runId: text(data["runId"]),
  };
}

/**
 * What rows are about, by approval and by run: only the request and the start name it, the decision and the end don't. Rows may be added in any order; what one row
 * of a thing says holds for all of it, since they are all about the same digest.
 */
export class Subjects {
  readonly #byApproval = new Map<string, string>();
  readonly #byRun = new Map<string, string>();

  constructor(known?: Subjects) {
    if (known === undefined) return;
    for (const [id, what] of known.#byApproval) this.#byApproval.set(id, what);
    for (const [id, what] of known.#byRun) this.#byRun.set(id, what);
  }

  add(rows: readonly LedgerRowInfo[]): void {
    for (const row of rows) {
      const { kind, approvalId, runId, what } = factsOf(row.body);
      if (what === null) continue;
      if (approvalId !== null && (kind === "approval_requested" || kind === "execution_started")) this.#byApproval.set(approvalId, what);
      if (runId !== null) this.#byRun.set(runId, what);
    }
  }

  of(facts: LedgerFacts): string | null {
    return facts.what ?? this.#byApproval.get(facts.approvalId ?? "") ?? this.#byRun.get(facts.runId ?? "") ?? null;
  }

  /** Approvals of these rows that nothing added so far names. */
  missing(rows: readonly LedgerRowInfo[]): string[] {
    const ids = rows.map((row) => factsOf(row.body)).filter((facts) => this.of(facts) === null && facts.approvalId !== null);
    return [...new Set(ids.map((facts) => facts.approvalId as string))];
  }

  /** Whether a run's end is among these rows and its beginning was not added. */
  lacksRuns(rows: readonly LedgerRowInfo[]): boolean {
    return rows.map((row) => factsOf(row.body)).some((facts) => facts.runId !== null && this.of(facts) === null);
  }
}

function joined(by: string, ...parts: readonly (string | null)[]): string | null {
  const known = parts.filter((part) => part !== null);
  return known.length === 0 ? null : known.join(by);
}

function words(value: unknown): string | null {
  return Array.isArray(value) ? joined(", ", ...value.map(text)) : null;
}

function count(value: unknown): string | null {
  return typeof value === "number" ? String(value) : null;
}

function parse(body: string): Data {
  try {
    return record(JSON.parse(body));
  } catch {
    return {}; // shown as its exact text
  }
}

function record(value: unknown): Data {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Data) : {};
}

function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}
