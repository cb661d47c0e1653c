import { type Component, flushSync, mount, unmount } from "svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { approval, scenario, SESSION } from "../dev/scenarios";
import InWorkspace from "../dev/InWorkspace.svelte";
import type { ApprovalInfo, RiskInfo } from "$lib/protocol/generated";
import { swipesOf } from "$lib/stores/swipes";
import type { OwnDecision } from "$lib/stores/decisions";
import type { Workspace } from "$lib/stores/workspace.svelte";
import SwipeRows from "./SwipeRows.svelte";

const risk = (tier: RiskInfo["tier"], understood = true): RiskInfo => ({
  tier,
  understood,
  reversible: true,
  consequences: [],
  marks: null,
});
const command = (id: string, of: RiskInfo | null): ApprovalInfo =>
  approval(id, SESSION.main, { kind: "command", command: "git status", cwd: "/", tool: "bash", input: "{}" }, { risk: of });
const READ = command("read", risk("read"));
const WRITE = command("write", risk("workspace_write"));
const DESTROY = command("destroy", risk("destructive"));

describe("what a swipe may decide", () => {
  it("is: to allow what reads and was understood, to deny all that destroys nothing", () => {
    expect(swipesOf(READ, null)).toEqual({ right: "allow", left: "deny" });
    expect(swipesOf(command("x", risk("read", false)), null)).toEqual({ right: null, left: "deny" });
    expect(swipesOf(command("x", null), null)).toEqual({ right: null, left: "deny" });
    for (const tier of ["workspace_write", "reaches_out"] as const)
      expect(swipesOf(command("x", risk(tier)), null)).toEqual({ right: null, left: "deny" });
    expect(swipesOf(DESTROY, null)).toEqual({ right: null, left: null });
  });

  it("is nothing for a force-push, a question, a plan, and what is decided", async () => {
    const { approvals } = await scenario("rich");
    for (const kind of ["git", "question", "plan"]) {
      const one = approvals.find((each) => each.kind === kind);
      expect(one && swipesOf(one, null), kind).toEqual({ right: null, left: null });
    }
    const own = { decisionId: "d", verdict: "deny", scope: "once", answers: null, error: null } as const;
    expect(swipesOf(READ, { ...own, state: "saved" } satisfies OwnDecision)).toEqual({ right: null, left: null });
    expect(swipesOf(READ, { ...own, state: "refused" } satisfies OwnDecision)).toEqual({ right: "allow", left: "deny" });
    expect(swipesOf({ ...READ, state: "denied" }, null)).toEqual({ right: null, left: null });
  });
});

describe("swiping a row", () => {
  const decide = vi.fn();
  let scopes: readonly string[];
  let approvals: Map<string, ApprovalInfo>;
  let view: HTMLElement;
  let shown: Record<string, unknown>;

  const row = (id: string): HTMLElement => view.querySelector<HTMLElement>(`[data-swipe="${id}"]`)!;
  const point = (target: Element, type: string, x: number, y: number, more: PointerEventInit = {}): void => {
    target.dispatchEvent(new PointerEvent(type, { bubbles: true, pointerId: 1, pointerType: "touch", clientX: x, clientY: y, ...more }));
    flushSync();
  };
  const drag = (id: string, path: readonly (readonly [number, number])[], end = "pointerup"): void => {
    const [from, ...rest] = path;
    point(row(id), "pointerdown", from![0], from![1]);
    for (const [x, y] of rest) point(row(id), "pointermove", x, y);
    const [x, y] = path.at(-1)!;
    point(row(id), end, x, y);
  };
  const cue = (): HTMLElement | null => document.querySelector('[data-testid="swipe-cue"]');

  beforeEach(() => {
    decide.mockClear();
    scopes = ["view", "decide"];
    approvals = new Map([READ, WRITE, DESTROY].map((one) => [one.approvalId, one]));
    view = document.createElement("div");
    for (const id of approvals.keys()) {
      const link = document.createElement("a");
      link.dataset["swipe"] = id;
      link.dataset["machine"] = "m";
      view.append(link);
    }
    document.body.append(view);
    const workspace = {
      machineId: "m",
      decide,
      approvals,
      pending: [...approvals.values()],
      ownDecision: () => null,
      can: (scope: string) => scopes.includes(scope),
    } as unknown as Workspace;
    shown = mount(InWorkspace, {
      target: document.body,
      props: { workspace, part: SwipeRows as unknown as Component<Record<string, unknown>>, given: { view, machines: [workspace] } },
    });
    flushSync();
  });
  afterEach(() => {
    void unmount(shown);
    document.body.replaceChildren();
  });
  const decided = (): unknown[][] => decide.mock.calls.map(([one, verdict, scope]) => [(one as ApprovalInfo).approvalId, verdict, scope]);

  it("allows a read to the right and denies to the left, once each", () => {
    drag("read", [
      [100, 50],
      [140, 52],
      [240, 55],
    ]);
    drag("write", [
      [300, 50],
      [250, 50],
      [170, 50],
    ]);
    expect(decided()).toEqual([
      ["read", "allow", "once"],
      ["write", "deny", "once"],
    ]);
  });

  it("shows what it would do, and when lifting does it", () => {
    point(row("read"), "pointerdown", 100, 50);
    point(row("read"), "pointermove", 140, 50);
    expect(cue()?.textContent.trim()).toBe("Allow");
    point(row("read"), "pointermove", 230, 50);
    expect(cue()?.textContent.trim()).toBe("Release to allow");
    point(row("read"), "pointermove", 150, 50);
    expect(cue()?.textContent.trim()).toBe("Allow");
    point(row("read"), "pointerup", 150, 50);
    expect(cue()).toBeNull();
    expect(row("read").style.transform).toBe("");
    expect(decided()).toEqual([]);
  });

  it("never moves what destroys, and does not allow what only may be denied", () => {
    drag("destroy", [
      [200, 50],
      [320, 50],
    ]);
    drag("destroy", [
      [300, 50],
      [100, 50],
    ]);
    drag("write", [
      [100, 50],
      [260, 50],
    ]);
    expect(decided()).toEqual([]);
  });

  it("is no scroll: what goes up or down first stays one, however far aside it goes then", () => {
    drag("read", [
      [100, 50],
      [104, 80],
      [300, 90],
    ]);
    drag("read", [
      [100, 50],
      [115, 65],
      [300, 80],
    ]);
    expect(decided()).toEqual([]);
  });

  it("changes nothing when the browser takes the pointer, a second finger comes or the capture is lost", () => {
    drag(
      "read",
      [
        [100, 50],
        [260, 50],
      ],
      "pointercancel",
    );
    drag(
      "read",
      [
        [100, 50],
        [260, 50],
      ],
      "lostpointercapture",
    );
    point(row("read"), "pointerdown", 100, 50);
    point(row("read"), "pointermove", 260, 50);
    point(row("read"), "pointerdown", 120, 60, { pointerId: 2 });
    point(row("read"), "pointerup", 260, 50);
    point(row("read"), "pointerup", 120, 60, { pointerId: 2 });
    expect(decided()).toEqual([]);
    expect(cue()).toBeNull();
    expect(row("read").style.transform).toBe("");
  });

  it("is for fingers only, begins inside the screen, and only where this device may decide", () => {
    point(row("read"), "pointerdown", 100, 50, { pointerType: "mouse" });
    point(row("read"), "pointermove", 260, 50, { pointerType: "mouse" });
    point(row("read"), "pointerup", 260, 50, { pointerType: "mouse" });
    drag("read", [
      [5, 50],
      [200, 50],
    ]); // there the browser's own way back begins
    scopes = ["view"];
    drag("read", [
      [100, 50],
      [260, 50],
    ]);
    expect(decided()).toEqual([]);
  });

  it("decides by how things stand when the finger is lifted", () => {
    point(row("read"), "pointerdown", 100, 50);
    point(row("read"), "pointermove", 260, 50);
    approvals.set("read", { ...READ, state: "denied" });
    point(row("read"), "pointerup", 260, 50);
    expect(decided()).toEqual([]);
  });
});
