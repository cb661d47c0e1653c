import { describe, expect, it } from "vitest";
import { approval, SESSION } from "../../dev/scenarios";
import type { ApprovalInfo, ApprovalState } from "../protocol/generated";
import { byUrgency, decidedElsewhere, isShort, needsHold, type OwnDecision, stepsOf } from "./decisions";

const own = (state: OwnDecision["state"], more: Partial<OwnDecision> = {}): OwnDecision => ({
  decisionId: "d",
  verdict: "allow",
  scope: "once",
  state,
  answers: null,
  error: null,
  ...more,
});
const command = (state: ApprovalState, decided = state !== "pending"): ApprovalInfo =>
  approval(
    "a",
    SESSION.main,
    { kind: "command", command: "x", cwd: "/", tool: "Bash", input: "{}" },
    {
      state,
      decision: decided
        ? { decisionId: "d", verdict: "allow", scope: "once", reason: null, deviceId: "phone", by: "Pixel", at: "2026-01-01T00:00:00Z" }
        : null,
    },
  );
const walk = (info: ApprovalInfo, decision: OwnDecision | null): string =>
  stepsOf(info, decision)
    .map((step) => `${step.name}:${step.state}`)
    .join(" ");

describe("the walk of a decision", () => {
  it("has nothing to show before one was made", () => expect(walk(command("pending"), null)).toBe(""));

  it.each([
    ["pending", "saved", "saved:done sent:now recorded:ahead running:ahead finished:ahead"],
    ["pending", "sent", "saved:done sent:done recorded:now running:ahead finished:ahead"],
    ["allowed", "recorded", "saved:done sent:done recorded:done running:ahead finished:ahead"],
    ["running", "recorded", "saved:done sent:done recorded:done running:now finished:ahead"],
    ["finished", "recorded", "saved:done sent:done recorded:done running:done finished:done"],
    ["unknown", "recorded", "saved:done sent:done recorded:done running:done finished:failed"],
  ] as const)("tells %s after %s apart", (state, mine, steps) => expect(walk(command(state), own(mine))).toBe(steps));

  it("ends a denial with the ledger", () => {
    const denied = command("denied");
    expect(
      walk({ ...denied, decision: denied.decision && { ...denied.decision, verdict: "deny" } }, own("recorded", { verdict: "deny" })),
    ).toBe("saved:done sent:done recorded:done");
  });

  it("shows a refused decision as failed", () => expect(walk(command("pending"), own("refused"))).toContain("recorded:failed"));

  it("claims nothing of what another device saved and sent", () =>
    expect(walk(command("running"), null)).toBe("recorded:done running:now finished:ahead"));

  it("knows its own decision from another's", () => {
    expect(decidedElsewhere(command("allowed"), own("recorded"))).toBe(false);
    expect(decidedElsewhere(command("allowed"), own("refused", { decisionId: "mine" }))).toBe(true);
    expect(decidedElsewhere(command("allowed"), null)).toBe(false);
  });
});

describe("what waits", () => {
  const asked = (id: string, at: string, text: string, destroys = false): ApprovalInfo =>
    approval(
      id,
      SESSION.main,
      { kind: "command", command: text, cwd: "/", tool: "Bash", input: "{}" },
      {
        requestedAt: at,
        risk: destroys ? { tier: "destructive", understood: true, consequences: [], reversible: false, marks: null } : null,
      },
    );

  it("puts what destroys first and the rest by age", () => {
    const all = [
      asked("new", "2026-01-01T00:00:03Z", "ls"),
      asked("old", "2026-01-01T00:00:01Z", "ls"),
      asked("rm", "2026-01-01T00:00:02Z", "rm -rf build", true),
    ];
    expect(needsHold(all[2] as ApprovalInfo)).toBe(true);
    expect(all.sort(byUrgency).map((each) => each.approvalId)).toEqual(["rm", "old", "new"]);
  });

  it("puts a long command below what is said of it, and a short one above", () => {
    const at = "2026-01-01T00:00:00Z";
    expect(isShort(asked("a", at, "npm test"))).toBe(true);
    expect(isShort(asked("a", at, "x".repeat(401)))).toBe(false);
    expect(isShort(asked("a", at, "a\n".repeat(7)))).toBe(true);
    expect(isShort(asked("a", at, "a\n".repeat(8)))).toBe(false);
  });
});
