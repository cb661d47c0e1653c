import { type Component, flushSync, mount, unmount } from "svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { settle, until } from "../../tests/wait";
import InWorkspace from "../dev/InWorkspace.svelte";
import { doorToMany, PlainTransport } from "../dev/mock-door";
import { MockMachine } from "../dev/mock-machine";
import { approval, scenario, SESSION } from "../dev/scenarios";
import { seeded } from "$lib/channel/testing";
import { ChannelError } from "$lib/channel/errors";
import { uuid7 } from "$lib/ids/uuid7";
import type { Door } from "$lib/link/door";
import type { ApprovalInfo, DecisionRequest } from "$lib/protocol/generated";
import { router } from "$lib/router/router.svelte";
import { Database } from "$lib/storage/database";
import { App } from "$lib/stores/app.svelte";
import { decidedHere, isAway, ofKey, Review as Walk, waitingOn } from "$lib/stores/review.svelte";
import type { Workspace } from "$lib/stores/workspace.svelte";
import { r } from "$lib/strings/review";
import Review from "./Review.svelte";

/** Their machines say the same ids, digests and words: what tells them apart is the machine alone. */
const NAMES = ["atlas", "borealis", "corona"];
const IDS = NAMES.map((name) => name.slice(0, 1).repeat(32));
const [A = "", B = "", C = ""] = IDS;
const SAME = uuid7();

let app: App;
let door: Door;
let machines: MockMachine[];
let shown: Record<string, unknown> | null = null;

const asks = (approvalId: string, minute: number, more: Partial<ApprovalInfo> = {}): ApprovalInfo =>
  approval(
    approvalId,
    SESSION.main,
    { kind: "command", command: "make install", cwd: "/srv", tool: "bash", input: "{}" },
    { requestedAt: new Date(Date.now() - minute * 60_000).toISOString(), ...more },
  );

async function start(): Promise<void> {
  const name = `review-${uuid7()}`;
  app = new App(door, (before) => new Database(name, before));
  await app.start(null);
}

/** An app with so many machines on which these approvals wait. */
async function open(count: number, waits: (machine: number) => ApprovalInfo[]): Promise<void> {
  machines = await Promise.all(
    IDS.slice(0, count).map(async (_, at) => {
      const machine = new MockMachine(await scenario("quiet"));
      machine.state.machine = { ...machine.state.machine, name: NAMES[at] ?? "" };
      machine.state.approvals = waits(at);
      machine.state.pace = 0;
      return machine;
    }),
  );
  door = doorToMany(
    machines.map((machine, at) => ({ machine, paired: { machineId: IDS[at] ?? "", name: NAMES[at] ?? "", signingKey: "key" } })),
    { paired: IDS.slice(0, count) },
  );
  await start();
  await until(() => app.machines.all.every((one) => one.loaded), "all were read");
}

const of = (machineId: string): Workspace => {
  const found = app.machines.find(machineId);
  if (!found) throw new Error("no such machine");
  return found;
};
const mock = (machineId: string): MockMachine => {
  const found = machines[IDS.indexOf(machineId)];
  if (!found) throw new Error("no such machine");
  return found;
};
const heard = (machineId: string): DecisionRequest[] =>
  mock(machineId).requests.flatMap(({ type, payload }) => (type === "agent_prompt_response" ? [payload as DecisionRequest] : []));

async function drop(machineId: string): Promise<void> {
  mock(machineId).state.network = "never";
  mock(machineId).dropAll();
  await until(() => !of(machineId).online, "away");
  flushSync();
}

function comeBack(machineId: string): void {
  mock(machineId).state.network = "good";
  of(machineId).wake();
}

function show(route: { approvalId: string | null; machineId?: string } = { approvalId: null }): void {
  const workspace = of(A);
  const part = Review as unknown as Component<Record<string, unknown>>;
  shown = mount(InWorkspace, { target: document.body, props: { app, workspace, part, given: { route: { name: "review", ...route } } } });
  flushSync();
}

const part = (id: string, inside = '[data-testid="review-card"] '): HTMLElement | null =>
  document.querySelector<HTMLElement>(`${inside}[data-testid="${id}"]`);
const press = (id: string, inside?: string): void => {
  part(id, inside)?.click();
  flushSync();
};
const words = (id: string): string => part(id, "")?.textContent.replaceAll(/\s+/g, " ").trim() ?? "";
const on = (): string | null => part("review-card", "")?.getAttribute("data-machine") ?? null;
const ready = (): Promise<void> => until(() => part("review-view", "")?.dataset["ready"] === "true", "the card takes presses");

beforeEach(() => {
  localStorage.clear();
  router.enter({ machineId: null, route: { name: "inbox", approvalId: null } }, true);
});
afterEach(() => {
  if (shown) void unmount(shown);
  shown = null;
  document.body.replaceChildren();
  for (const one of app.machines.all) one.stop();
});

describe("a review over two machines that say the same id and digest", () => {
  // The older one comes first: it is borealis', which is not the machine that is shown.
  beforeEach(() => open(2, (at) => [asks(SAME, at === 0 ? 1 : 5)]));

  it("says of which machine a card is, and decides there and nowhere else", async () => {
    show();
    expect([on(), words("review-position")]).toEqual([B, r.position(1, 2)]);
    expect(words("review-machine")).toContain("borealis");
    expect(part("review-card", "")?.getAttribute("aria-label")).toContain("1 of 2 on borealis. ");
    expect(location.pathname).toBe(`/m/${A}/review/${SAME}/${B}`);
    await ready();
    press("allow-once");
    await until(() => on() === A, "the next one is in view");
    await until(() => heard(B).length === 1, "it arrived");
    expect(words("review-message")).toContain("Allowed on borealis");
    expect(heard(A)).toEqual([]);
    expect(heard(B)).toMatchObject([{ approvalId: SAME, signature: `mock-signature for ${B}`, verdict: "allow" }]);
    expect(of(A).ownDecision(SAME)).toBeNull();
    expect(location.pathname).toBe(`/m/${A}/review/${SAME}`);
    await ready();
    press("deny");
    press("deny-confirm");
    await until(() => heard(A).length === 1, "it arrived at the other one");
    expect(heard(A)).toMatchObject([{ approvalId: SAME, verdict: "deny" }]);
    expect([heard(B).length, on()]).toEqual([1, null]);
    expect(words("review-end")).toContain(r.doneTitle);
  });

  it("begins with the one that the address names, of the machine that it names, and with the first where it names none of them", () => {
    for (const [route, machine] of [
      [{ approvalId: SAME }, A],
      [{ approvalId: SAME, machineId: B }, B],
      [{ approvalId: SAME, machineId: C }, B],
      [{ approvalId: "x" }, B],
    ] as const) {
      show(route);
      expect(on(), JSON.stringify(route)).toBe(machine);
      if (shown) void unmount(shown);
      document.body.replaceChildren();
    }
    shown = null;
  });

  it("leads to the conversation on the machine of the card", () => {
    show();
    const link = document.querySelector<HTMLAnchorElement>('[data-testid="review-card"] a');
    expect(link?.getAttribute("href")).toBe(`/m/${B}/sessions/${SESSION.main}`);
  });

  it("offers nothing on a machine that went away, in a dialog that is open neither; goes on with the next; and comes back to it", async () => {
    show();
    await ready();
    press("deny");
    expect(part("deny-confirm", "")).not.toBeNull();
    await drop(B);
    expect(on(), "the card stays in view").toBe(B);
    for (const button of ["allow-once", "deny", "allow-more"]) expect(part(button), button).toBeNull();
    expect(part("deny-confirm", "")).toBeNull();
    expect(words("card-barred")).toContain("borealis is not connected");
    expect(words("review-message")).toContain("borealis is not connected");
    press("review-next", "");
    expect(on()).toBe(A);
    await ready();
    press("allow-once");
    await until(() => heard(A).length === 1, "it arrived");
    await until(() => part("review-end", "") !== null, "the end");
    expect(words("review-end")).toContain(r.leftAway(1, "borealis"));
    expect(part("review-again", "")).toBeNull();
    expect(heard(B)).toEqual([]);

    comeBack(B);
    await until(() => part("review-again", "") !== null, "it can be decided");
    press("review-again", "");
    expect(on()).toBe(B);
    await ready();
    press("allow-once");
    await until(() => heard(B).length === 1, "it arrived");
    expect([heard(A).length, heard(B).length]).toEqual([1, 1]);
  });

  it("takes out what was closed while its machine was away", async () => {
    show();
    await drop(B);
    mock(B).showApproval(asks(SAME, 5, { state: "expired" }));
    comeBack(B);
    await until(() => on() === A, "it left");
    expect(words("review-position")).toBe(r.position(1, 1));
    expect(words("review-message")).toContain(r.gone(1));
    expect(heard(B)).toEqual([]);
  });

  it("decides nothing at who answers in the place of a machine with another key", async () => {
    const genuine = door.connect;
    show();
    await drop(B);
    let tries = 0;
    door.connect = (machineId) => {
      const transport = genuine(machineId);
      if (machineId !== B) return transport;
      // As the channel says it: the handshake is not the one of the key that was paired.
      return Object.assign(new PlainTransport(), {
        complete: async () => {
          tries++;
          throw new ChannelError("handshake_failed", "not this machine");
        },
      });
    };
    const before = mock(B).requests.length;
    comeBack(B);
    await until(() => tries > 0 && of(B).link.kind !== "connecting", "it was tried");
    flushSync();
    await ready();
    expect([on(), part("allow-once")]).toEqual([B, null]);
    expect(part("card-barred")).not.toBeNull();
    press("review-next", "");
    await ready();
    press("allow-once");
    await until(() => heard(A).length === 1, "the other machine's is decided");
    await settle();
    expect(mock(B).requests.slice(before)).toEqual([]);
    expect(of(B).outbox).toEqual([]);
  });

  it("takes a decision back on the machine that it is for", async () => {
    mock(A).hold();
    mock(B).hold();
    show();
    await ready();
    press("allow-once");
    await until(() => on() === A, "the next one is in view");
    press("review-undo", "");
    await until(() => words("review-message") === r.cannot.sent, "it says why not");
    expect(of(B).ownDecision(SAME)?.state).toBe("sent");
    mock(A).release();
    mock(B).release();
    await until(() => of(B).approvals.get(SAME)?.state === "finished", "it ran");
    const ran = { startedAt: new Date().toISOString(), finishedAt: new Date().toISOString(), exitCode: 0, failed: false, undoable: true };
    mock(B).showApproval(asks(SAME, 5, { state: "finished", execution: ran }));
    await until(() => of(B).approvals.get(SAME)?.execution?.undoable === true, "it can be undone");
    press("review-undo", "");
    const looks = (machineId: string): number => mock(machineId).requests.filter((one) => one.type === "snapshot_diff").length;
    await until(() => looks(B) === 1, "what undoing would do is asked there");
    expect([heard(A), looks(A)]).toEqual([[], 0]);
  });
});

describe("the order and the count of a review over three machines", () => {
  it("are the inbox's, with what arrives later at the end", async () => {
    await open(3, (at) => [asks(`x${at}`, at + 1), asks("y", 10 - at)]);
    show();
    const order: (string | null)[] = [];
    for (let n = 0; n < 6; n++) {
      order.push(`${on()?.slice(0, 1)} ${part("approval-card")?.dataset["approval"]}`);
      press("review-next", "");
    }
    expect(order).toEqual(["a y", "b y", "c y", "c x2", "b x1", "a x0"]);
    mock(C).showApproval(asks("late", 60));
    await until(() => words("review-message") === r.arrived, "it joined");
    press("review-previous", "");
    expect([part("approval-card")?.dataset["approval"], words("review-position")]).toEqual(["late", r.position(7, 7)]);
  });

  it.each([
    ["wait for a machine that is being connected to", 0, [null, B, r.position(1, 2)]],
    ["do not wait for long", 900, [A, A, r.position(1, 2)]],
  ])("%s", async (_, passed, seen) => {
    await open(2, (at) => [asks(SAME, at === 0 ? 1 : 5)]);
    for (const one of app.machines.all) one.stop();
    mock(B).hold();
    await start();
    await until(() => of(A).loaded, "one is there");
    // The time that it waits is this test's.
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    show();
    vi.advanceTimersByTime(passed);
    vi.useRealTimers();
    flushSync();
    const before = on();
    mock(B).release();
    await until(() => of(B).loaded, "the other one is there");
    flushSync();
    expect([before, on(), words("review-position")]).toEqual(seen);
  });

  it("do not call done what waits on a machine that was never heard from", async () => {
    await open(2, () => []);
    for (const one of app.machines.all) one.stop();
    mock(B).state.network = "never";
    await start();
    await until(() => of(A).loaded && of(B).link.kind === "offline", "one is there");
    show();
    expect(words("review-end")).toContain(r.doneKnown);
    expect(part("review-unheard", "")?.textContent).toContain("borealis");
  });
});

describe("whatever happens in whatever order", () => {
  it.each([1, 2, 3, 4, 5, 6])("each decision is made once, on the machine whose approval was in view: %i", async (seed) => {
    const below = seeded(seed);
    let asked = 0;
    await open(3, () => [asks("s0", 1), asks("s1", 2)]);
    const walk = new Walk();
    const meant: string[] = [];
    const follow = (): boolean => walk.follow(waitingOn(app.machines.all), (key) => decidedHere(app.machines.all, key));
    const decide = (): void => {
      const found = walk.current === null ? null : ofKey(app.machines.all, walk.current);
      const approval = found?.workspace.approvals.get(found.id);
      if (!found || !approval || isAway(app.machines.all, found.workspace)) return;
      if (approval.state === "pending") meant.push(`${found.workspace.machineId} ${approval.approvalId} ${approval.digest}`);
      void found.workspace.decide(approval, below(2) === 0 ? "allow" : "deny", "once");
    };
    follow();
    for (let round = 0; round < 80; round++) {
      const machineId = IDS[below(3)] ?? A;
      const waits = mock(machineId).state.approvals.filter((one) => one.state === "pending");
      const some = waits[below(Math.max(1, waits.length))];
      switch (below(8)) {
        case 0: // all three ask under the same id
          for (const machine of machines) machine.showApproval(asks(`n${asked}`, 1));
          asked++;
          break;
        case 1:
          mock(machineId).state.network = "never";
          mock(machineId).dropAll();
          break;
        case 2:
          comeBack(machineId);
          break;
        case 3:
          if (some) mock(machineId).showApproval({ ...some, state: "withdrawn" });
          break;
        case 4:
          walk.step(below(2) === 0 ? 1 : -1);
          break;
        case 5:
          walk.again();
          break;
        default:
          decide();
      }
      await settle(below(4));
      follow();
    }
    for (const machineId of IDS) comeBack(machineId);
    await until(() => app.machines.all.every((one) => one.online && one.outbox.length === 0), "all that was decided arrived");
    await settle();
    for (follow(), walk.again(); walk.current !== null; follow()) {
      const { current } = walk;
      decide();
      await until(() => follow() || walk.current !== current, "the next one is in view");
    }
    await until(() => app.machines.all.every((one) => one.outbox.length === 0), "all that was decided arrived");
    for (const machineId of IDS) {
      const decisions = new Map(heard(machineId).map((one) => [one.decisionId, one]));
      const ids = [...decisions.values()].map((one) => one.approvalId);
      expect(new Set(ids).size, "decided twice").toBe(ids.length);
      expect(ids.length).toBeGreaterThan(0);
      for (const one of decisions.values()) {
        expect(meant).toContain(`${machineId} ${one.approvalId} ${one.digest}`);
        expect(one.signature).toBe(`mock-signature for ${machineId}`);
      }
      expect(mock(machineId).state.approvals.filter((one) => one.state === "pending")).toEqual([]);
    }
  });
});
