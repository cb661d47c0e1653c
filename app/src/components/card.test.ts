import { type Component, flushSync, mount, unmount } from "svelte";
import { afterEach, describe, expect, it } from "vitest";
import { approval, scenario, SESSION } from "../dev/scenarios";
import InWorkspace from "../dev/InWorkspace.svelte";
import type { ApprovalInfo } from "$lib/protocol/generated";
import type { OwnDecision } from "$lib/stores/decisions";
import type { Workspace } from "$lib/stores/workspace.svelte";
import { t } from "$lib/strings/all";
import ApprovalCard from "./ApprovalCard.svelte";

let shown: Record<string, unknown> | null = null;
function show(given: ApprovalInfo, own: OwnDecision | null = null): string {
  const workspace = {
    approvals: new Map([[given.approvalId, given]]),
    sessions: new Map(),
    online: false,
    machine: null,
    paired: { name: "atlas" },
    project: () => undefined,
    agent: () => undefined,
    can: () => true,
    ownDecision: () => own,
  } as unknown as Workspace;
  const part = ApprovalCard as unknown as Component<Record<string, unknown>>;
  shown = mount(InWorkspace, { target: document.body, props: { workspace, part, given: { approval: given } } });
  flushSync();
  return document.body.textContent;
}
afterEach(() => {
  if (shown) void unmount(shown);
  shown = null;
  document.body.replaceChildren();
});

describe("a withdrawn approval", () => {
  const withdrawn = approval(
    "w",
    SESSION.main,
    { kind: "command", command: "npm test", cwd: "/", tool: "bash", input: "{}" },
    {
      state: "withdrawn",
      decision: {
        decisionId: "d",
        verdict: "deny",
        scope: "once",
        reason: "the turn ended",
        deviceId: null,
        by: "the turn ended",
        at: "2026-01-01T00:00:00Z",
      },
    },
  );

  it("says that it is cancelled and no longer needed, and claims no decision by anybody", () => {
    const text = show(withdrawn);
    expect(text).toContain(t.approval.states.withdrawn);
    expect(text).toContain(t.approval.withdrawn);
    for (const wrong of [t.approval.steps.recorded, t.approval.denied, t.approval.allowed]) expect(text).not.toContain(wrong);
    expect(document.querySelector('[data-testid="decision"], [data-testid="decision-steps"], [data-testid="allow-once"]')).toBeNull();
    expect(document.querySelector('[data-testid="approval-card"]')?.classList.contains("red")).toBe(false);
  });
});

describe("an answered question", () => {
  it("states its answer once", async () => {
    const asked = (await scenario("rich")).approvals.find((one) => one.kind === "question");
    if (!asked) throw new Error("no question");
    const answers = JSON.stringify({ "Which database should the new service use?": "MariaDB" });
    const text = show(
      {
        ...asked,
        state: "allowed",
        decision: {
          decisionId: "d",
          verdict: "allow",
          scope: "once",
          reason: answers,
          deviceId: "phone",
          by: "Pixel",
          at: "2026-01-01T00:00:00Z",
        },
      },
      { decisionId: "d", verdict: "allow", scope: "once", state: "recorded", answers, error: null },
    );
    expect(text.split("MariaDB")).toHaveLength(2);
  });
});
