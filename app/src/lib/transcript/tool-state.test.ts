import { describe, expect, it } from "vitest";
import type { ApprovalInfo, ApprovalState, DecisionVerdict, ToolCategory, ToolResultEvent } from "../protocol/generated";
import { toolState } from "./tool-state";

const STATES: (ApprovalState | null)[] = [null, "pending", "allowed", "denied", "expired", "withdrawn", "running", "finished", "unknown"];
const CATEGORIES: ToolCategory[] = ["read", "search", "execute", "edit", "fetch", "think", "agent", "question", "plan", "todo", "other"];
const RESULTS = [
  null,
  ...[false, true].flatMap((failed) =>
    [false, true].flatMap((interrupted) => [null, 0, 3].map((exitCode) => ({ failed, interrupted, exitCode }) as ToolResultEvent)),
  ),
];

function all(): {
  state: ApprovalState | null;
  verdict: DecisionVerdict;
  category: ToolCategory;
  result: ToolResultEvent | null;
  turnRuns: boolean;
  shown: string;
}[] {
  return STATES.flatMap((state) =>
    (["allow", "deny"] as const).flatMap((verdict) =>
      CATEGORIES.flatMap((category) =>
        RESULTS.flatMap((result) =>
          [true, false].map((turnRuns) => {
            const approval = state === null ? null : ({ state, decision: state === "pending" ? null : { verdict } } as ApprovalInfo);
            return { state, verdict, category, result, turnRuns, shown: toolState({ approval, result, category }, turnRuns) };
          }),
        ),
      ),
    ),
  );
}

describe("the state of a tool call", () => {
  it("is running only when the ledger's row says so", () => {
    for (const { state, shown } of all()) if (shown === "running") expect(state).toBe("running");
  });

  it("is done only without a refusal in the ledger", () => {
    for (const { state, shown } of all())
      if (shown === "done" || shown === "failed" || shown === "exit")
        expect(["denied", "expired", "withdrawn", "unknown"]).not.toContain(state);
  });

  it("waits while a call that needs a decision has none, also when others of the same turn are decided first", () => {
    for (const category of ["execute", "edit", "fetch"] as const)
      expect(toolState({ approval: null, result: null, category }, true)).toBe("waiting");
    for (const { state, result, turnRuns, shown } of all())
      if (state === "pending" && result === null && turnRuns) expect(shown).toBe("waiting");
  });

  it("tells a refusal after an allowance from a person's no", () => {
    for (const { state, verdict, shown } of all())
      if (state === "withdrawn" || state === "expired") expect(shown).toBe(verdict === "allow" ? "refused" : "denied");
  });
});
