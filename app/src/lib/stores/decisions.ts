import type { ApprovalInfo, DecisionScope, DecisionVerdict } from "../protocol/generated";

/** A decision made on this device, until the approval itself shows it. */
export interface OwnDecision {
  readonly decisionId: string;
  readonly verdict: DecisionVerdict;
  readonly scope: DecisionScope;
  readonly state: "saved" | "sent" | "recorded" | "refused";
  /** What was answered to questions, as it was sent. */
  readonly answers: string | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** A step of the walk from a tap to its outcome: done, being waited for, or ahead. */
export type StepState = "done" | "now" | "ahead" | "failed";
export type StepName = "saved" | "sent" | "recorded" | "running" | "finished";

export interface Step {
  readonly name: StepName;
  readonly state: StepState;
}

/** Whether something of the machine's runs after it is allowed; answers, plans and hosts are over with the decision. */
export function runsWhenAllowed(approval: ApprovalInfo): boolean {
  const { subject } = approval;
  return (
    subject.kind === "command" ||
    subject.kind === "edit" ||
    subject.kind === "tool" ||
    subject.kind === "git" ||
    (subject.kind === "file" && subject.operation !== "read")
  );
}

/** Where a decision stands. What does not run ends with being recorded. */
export function stepsOf(approval: ApprovalInfo, own: OwnDecision | null): Step[] {
  const verdict = approval.decision?.verdict ?? own?.verdict;
  if (verdict === undefined) return [];
  const runs = verdict === "allow" && runsWhenAllowed(approval);
  const names: StepName[] = runs ? ["saved", "sent", "recorded", "running", "finished"] : ["saved", "sent", "recorded"];
  const reached = reachedStep(approval, own);
  const failed = (own?.state === "refused" && approval.decision === null) || approval.state === "unknown";
  const steps = names.map((name, at): Step => ({
    name,
    // Allowed is not yet running: between the two nothing is under way that a person could watch.
    state: at < reached ? "done" : at > reached || approval.state === "allowed" ? "ahead" : failed ? "failed" : "now",
  }));
  // What another device saved and sent is not known here.
  return own === null ? steps.slice(2) : steps;
}

/** Index of the step that is being waited for; beyond the last when all is done. */
function reachedStep(approval: ApprovalInfo, own: OwnDecision | null): number {
  switch (approval.state) {
    case "finished":
      return 5;
    case "unknown":
      return 4;
    case "running":
    case "allowed":
    case "denied":
    case "expired":
    case "withdrawn":
      return 3;
    case "pending":
      return own === null || own.state === "saved" ? 1 : 2;
  }
}

/** Who decided it: this device with this decision, or somebody else. */
export function decidedElsewhere(approval: ApprovalInfo, own: OwnDecision | null): boolean {
  return own !== null && approval.decision !== null && approval.decision.decisionId !== own.decisionId;
}

/**
 * Whether what is decided on is short enough to stand above all that is said of it. A long one comes below: nothing that a person must know may stand under a
 * page of text.
 */
export function isShort(approval: ApprovalInfo): boolean {
  const { subject } = approval;
  switch (subject.kind) {
    case "command":
      return fits(subject.command) && (subject.stdin == null || fits(subject.stdin));
    case "job_input":
    case "prompt":
      return fits(subject.text);
    case "network":
      return subject.commands.every(fits);
    case "git":
    case "question":
      return true;
    case "edit":
    case "file":
    case "plan":
    case "tool":
      return false;
  }
}

/** About a third of a phone's screen. */
function fits(text: string): boolean {
  return text.length <= 400 && text.split("\n", 9).length < 9;
}

/** What waits, in the order in which it should be looked at: what destroys first, then the oldest. */
export function byUrgency(a: ApprovalInfo, b: ApprovalInfo): number {
  return Number(needsHold(b)) - Number(needsHold(a)) || Date.parse(a.requestedAt) - Date.parse(b.requestedAt);
}

/**
 * Of what waits, what can be allowed together: commands and tools that the machine understood whole and that only read, two or more of them. A file is not among
 * them: the machine asks for those that hold secrets.
 */
export function readsTogether(pending: readonly ApprovalInfo[], own: (approvalId: string) => OwnDecision | null): readonly ApprovalInfo[] {
  const reads = pending.filter((approval) => {
    const mine = own(approval.approvalId);
    return isPlainRead(approval) && (mine === null || mine.state === "refused");
  });
  return reads.length > 1 ? reads : [];
}

/** A command or tool that only reads and was understood whole. */
export function isPlainRead(approval: ApprovalInfo): boolean {
  return (
    (approval.kind === "command" || approval.kind === "tool") &&
    approval.risk?.tier === "read" &&
    approval.risk.understood &&
    !needsHold(approval)
  );
}

/** Whether allowing it, once or more broadly, must be held: it deletes, overwrites for good or changes something outside of the project, here or on a remote. */
export function needsHold(approval: ApprovalInfo): boolean {
  return (
    approval.risk?.tier === "destructive" ||
    (approval.subject.kind === "git" && approval.subject.refs.some((ref) => ref.forces || ref.deletes))
  );
}
