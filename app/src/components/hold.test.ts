import { type Component, flushSync, mount, unmount } from "svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { approval, scenario, SESSION } from "../dev/scenarios";
import InWorkspace from "../dev/InWorkspace.svelte";
import type { ApprovalInfo, RiskInfo } from "$lib/protocol/generated";
import type { Workspace } from "$lib/stores/workspace.svelte";
import ApprovalActions from "./ApprovalActions.svelte";
import PlanActions from "./PlanActions.svelte";

const DESTRUCTIVE: RiskInfo = { tier: "destructive", understood: true, reversible: false, consequences: [], marks: null };
const decide = vi.fn();
const workspace = { decide, agent: () => undefined } as unknown as Workspace;
let shown: Record<string, unknown> | null = null;

function show(asked: ApprovalInfo): void {
  const part = (asked.kind === "plan" ? PlanActions : ApprovalActions) as unknown as Component<Record<string, unknown>>;
  shown = mount(InWorkspace, { target: document.body, props: { workspace, part, given: { approval: asked } } });
  flushSync();
}

/** Every button there is that allows something, with what is behind More. */
function allowing(): HTMLElement[] {
  document.querySelector<HTMLElement>('[data-testid="allow-more"]')?.click();
  flushSync();
  return [
    ...document.querySelectorAll<HTMLElement>('[data-testid^="allow-"]:not([data-testid="allow-more"]), [data-testid="plan-accept"]'),
  ];
}

function point(button: HTMLElement, type: string): void {
  button.dispatchEvent(new PointerEvent(type, { button: 0, bubbles: true }));
}
function tap(button: HTMLElement): void {
  point(button, "pointerdown");
  point(button, "pointerup");
  button.dispatchEvent(new MouseEvent("click", { detail: 1, bubbles: true }));
  flushSync();
}
/** As a keyboard does it: without a pointer. */
function press(button: HTMLElement): void {
  button.dispatchEvent(new MouseEvent("click", { detail: 0, bubbles: true }));
  flushSync();
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "Date"] });
  decide.mockClear();
});
afterEach(() => {
  if (shown) void unmount(shown);
  document.body.replaceChildren();
  vi.useRealTimers();
});

/** One of each kind that has buttons to allow it, as destructive, with a wider scope on offer. */
async function destructive(): Promise<ApprovalInfo[]> {
  const all = (await scenario("rich")).approvals.filter((asked) => asked.state === "pending" && asked.kind !== "question");
  const kinds = new Map(all.map((asked) => [asked.kind, { ...asked, risk: DESTRUCTIVE, reach: "exactly this" }]));
  return [...kinds.values()];
}

describe("what destroys", () => {
  it("is of every kind here", async () =>
    expect((await destructive()).map((asked) => asked.kind).sort()).toEqual([
      "command",
      "edit",
      "file",
      "git",
      "network",
      "plan",
      "prompt",
      "tool",
    ]));

  it("is allowed by no tap, whatever kind it is and for how long", async () => {
    for (const asked of await destructive()) {
      show(asked);
      const buttons = allowing();
      expect(buttons.length, asked.kind).toBeGreaterThanOrEqual(asked.kind === "plan" ? 1 : 2);
      for (const button of buttons) {
        tap(button);
        tap(button);
        vi.advanceTimersByTime(5000);
      }
      expect(decide, asked.kind).not.toHaveBeenCalled();
      if (shown) void unmount(shown);
      shown = null;
      document.body.replaceChildren();
    }
  });

  it("is allowed by holding, for what the button says", async () => {
    const [asked] = (await destructive()).filter((one) => one.kind === "command");
    if (!asked) throw new Error("no command");
    show(asked);
    const turn = allowing().find((button) => button.dataset["testid"] === "allow-turn");
    if (!turn) throw new Error("no turn");
    point(turn, "pointerdown");
    vi.advanceTimersByTime(700);
    expect(decide).not.toHaveBeenCalled();
    vi.advanceTimersByTime(150);
    expect(decide.mock.calls.map((call: unknown[]) => call.slice(1, 3))).toEqual([["allow", "turn"]]);
  });

  it("is allowed by a second press a moment later, not by a double press, a repeating key or one long after", async () => {
    const asked = approval(
      "x",
      SESSION.main,
      { kind: "command", command: "rm -rf /", cwd: "/", tool: "bash", input: "{}" },
      { risk: DESTRUCTIVE },
    );
    show(asked);
    const [once] = allowing();
    if (!once) throw new Error("no button");
    let now = 1000;
    vi.spyOn(Event.prototype, "timeStamp", "get").mockImplementation(() => now);
    press(once);
    now += 30;
    press(once);
    now += 400;
    press(once);
    expect(decide).not.toHaveBeenCalled();
    vi.advanceTimersByTime(11_000); // forgotten
    now += 11_000;
    press(once);
    expect(decide).not.toHaveBeenCalled();
    now += 900;
    press(once);
    expect(decide).toHaveBeenCalledTimes(1);
    vi.restoreAllMocks();
  });

  it("is a force-push and a deletion on a remote too, whatever the risk says", async () => {
    const git = (await scenario("rich")).approvals.find((asked) => asked.kind === "git");
    if (!git) throw new Error("no push");
    show({ ...git, risk: null });
    for (const button of allowing()) tap(button);
    expect(decide).not.toHaveBeenCalled();
  });

  it("does not make the rest harder: a tap allows what destroys nothing", () => {
    show(approval("y", SESSION.main, { kind: "command", command: "ls", cwd: "/", tool: "bash", input: "{}" }));
    const [once] = allowing();
    if (once) tap(once);
    expect(decide).toHaveBeenCalledTimes(1);
  });
});
