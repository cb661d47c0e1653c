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
  return subject.kind === "command" || subject.kind === "edit" || subject.kind === "tool" || subject.kind === "git" || (subject.kind === "file" && subject.operation !== "read");
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
    state: at < reached ? "done" : at > reached ? "ahead" : failed ? "failed" : "now",
  }));
  // What another device saved and sent is not known here.
  return own === null ? steps.slice(2) : steps;
}

/** Index of the step that is being waited for; beyond the last when all is done. */
function reachedStep(approval: ApprovalInfo, own: OwnDecision | null): number {
  switch (approval.state) {
    case "finished":
      return 5;
    case "running":
      return 4;
    case "unknown":
      return 4;
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
