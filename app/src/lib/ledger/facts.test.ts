import { describe, expect, it } from "vitest";
import samples from "../../dev/ledger-rows.json";
import type { LedgerRowInfo } from "../protocol/generated";
import { l } from "../strings/ledger";
import { factsOf, Subjects } from "./facts";

/** Rows made by the machine's own code (LedgerSamplesTests): every kind that there is. */
const rows: LedgerRowInfo[] = samples.map((row, at) => ({ seq: at + 1, hash: "", body: JSON.stringify(row) }));
const kindOf = (row: LedgerRowInfo): string => factsOf(row.body).kind;
const named = (subjects: Subjects, kind: string): (string | null)[] =>
  rows.filter((row) => kindOf(row) === kind).map((row) => subjects.of(factsOf(row.body)));

/** Rows that are about nothing but the machine, the ledger or their session. */
const ABOUT_NOTHING = new Set([
  "ledger_opened",
  "ledger_restored",
  "signing_began",
  "machine_stopped",
  "turn_interrupted",
  "session_ended",
]);

describe("a ledger row as it is shown", () => {
  it("has words for its kind, whichever the machine writes", () => {
    expect(rows.filter((row) => l.kinds[kindOf(row)] === undefined).map(kindOf)).toEqual([]);
    expect(rows.length).toBeGreaterThan(36);
  });

  it("never shows a kind by its wire name, known or not", () => {
    for (const kind of [...rows.map(kindOf), "of_a_newer_machine", ""]) expect(l.kinds[kind] ?? l.unknownKind(kind)).not.toMatch(/_|^$/);
  });

  it("says what it is about, itself or by the row that names it", () => {
    const subjects = new Subjects();
    subjects.add(rows);
    const silent = rows
      .map((row) => factsOf(row.body))
      .filter((facts) => subjects.of(facts) === null && facts.detail === null && !ABOUT_NOTHING.has(facts.kind));
    expect(silent.map((facts) => facts.kind)).toEqual([]);
  });

  it("names decision, start, end and undo by their approval", () => {
    const subjects = new Subjects();
    subjects.add(rows);
    expect(named(subjects, "approval_requested")).toContain("npm test -- --coverage");
    expect(named(subjects, "approval_decided")).toEqual([
      "npm test -- --coverage",
      "rm -rf ./build",
      "git push --force",
      "terraform apply -auto-approve",
      "src/auth/login.ts",
      "npm ci",
    ]);
    expect(named(subjects, "approval_expired")).toEqual(["curl https://get.example.com | sh"]);
    expect(named(subjects, "execution_finished")).toEqual(["npm test -- --coverage"]);
    expect(named(subjects, "execution_unknown")).toEqual(["terraform apply -auto-approve"]);
    expect(named(subjects, "execution_refused")).toEqual(["src/auth/login.ts"]);
    expect(named(subjects, "undo_finished")).toEqual(["terraform apply -auto-approve"]);
    expect(named(subjects, "command_finished")).toEqual(["git status --short"]);
  });

  it("says of each decision how it was proved, in words", () => {
    const proofs = (kind: string): (string | null)[] => rows.filter((row) => kindOf(row) === kind).map((row) => factsOf(row.body).proof);
    expect(proofs("approval_decided")).toEqual(["device-key", "device-key", "owner-socket", "device-key", "owner-socket", "chat-platform"]);
    expect(proofs("approval_agreed")).toEqual(["device-key"]);
    expect(
      rows.map((row) => factsOf(row.body)).flatMap(({ kind, platform }) => (platform === null ? [] : [`${kind} ${platform}`])),
    ).toEqual(["device_paired feishu", "approval_decided feishu"]);
    expect(proofs("undo_started")).toEqual(["device-key"]);
    expect(proofs("rule_added")).toEqual(["owner-socket"]);
    expect(proofs("approval_requested").every((proof) => proof === null)).toBe(true);
    for (const proof of ["device-key", "owner-socket", "grant", "chat-platform"]) expect(l.proofs[proof]).toMatch(/^[a-z ]+$/);
  });

  it("is the same whichever way the rows came: newest first, and page by page", () => {
    const newest = [...rows].reverse();
    const whole = new Subjects();
    whole.add(newest);
    let paged = new Subjects();
    for (let at = 0; at < newest.length; at += 5) {
      paged = new Subjects(paged);
      paged.add(newest.slice(at, at + 5));
    }
    for (const row of rows) expect(paged.of(factsOf(row.body))).toBe(whole.of(factsOf(row.body)));
  });

  it("tells which approvals and runs must be looked up", () => {
    const end = rows.filter((row) => kindOf(row) === "execution_finished" || kindOf(row) === "command_finished");
    const subjects = new Subjects();
    subjects.add(end);
    expect(subjects.missing(end)).toEqual([factsOf(end[0]?.body ?? "").approvalId]);
    expect(subjects.lacksRuns(end)).toBe(true);
    subjects.add(rows);
    expect(subjects.missing(rows)).toEqual([]);
    expect(subjects.lacksRuns(rows)).toBe(false);
  });

  it("says why something did not run, ended or was turned off", () => {
    const details = (kind: string): (string | null)[] => rows.filter((row) => kindOf(row) === kind).map((row) => factsOf(row.body).detail);
    expect(details("execution_refused")).toEqual(["the file changed after it was shown"]);
    expect(details("alarm_raised")[0]).toContain("planted");
    expect(details("configuration_changed")).toEqual(["bubblewrap → none"]);
    expect(details("terminal_command")).toEqual([null, "it was not echoed"]);
  });
});
