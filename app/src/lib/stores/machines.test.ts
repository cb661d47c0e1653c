import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { settle, until } from "../../../tests/wait";
import { doorToMany } from "../../dev/mock-door";
import { MockMachine } from "../../dev/mock-machine";
import { APPROVAL, scenario, SESSION } from "../../dev/scenarios";
import { uuid7 } from "../ids/uuid7";
import type { Door } from "../link/door";
import { parsePlace, placePath, router } from "../router/router.svelte";
import { keepFilter, keptFilter } from "../sessions/list";
import { Database } from "../storage/database";
import { byUrgency, inboxOf, othersAcross, undecided } from "./across";
import { App } from "./app.svelte";
import { MOST_MACHINES } from "./machines.svelte";
import { alarmed, troubled } from "./trouble";
import type { Workspace } from "./workspace.svelte";

const A = "3f9a1c27b5e04d8896aa10c2d7f4e51b";
const B = "b2d07e66c41f4e7f90c3aa5518e6f70d";
const HOME = { name: "inbox", approvalId: null } as const;
const apps: App[] = [];
let name: string;
let a: MockMachine;
let b: MockMachine;
let door: Door;

async function made(scenarioName = "rich"): Promise<MockMachine> {
  const machine = new MockMachine(await scenario(scenarioName));
  machine.state.pace = 0;
  return machine;
}

/** The app as a new page has it, on the same device. */
async function open(link: string | null = null): Promise<App> {
  const app = new App(door, (before) => new Database(name, before));
  apps.push(app);
  await app.start(link);
  return app;
}

function close(app: App): void {
  for (const one of app.machines.all) one.stop();
}

const of = (app: App, machineId: string): Workspace => {
  const found = app.machines.find(machineId);
  if (!found) throw new Error(`${machineId} is not there`);
  return found;
};
const loaded = (app: App): Promise<void> => until(() => app.machines.all.every((one) => one.loaded), "all were read");
const asked = (machine: MockMachine, type: string): unknown[] =>
  machine.requests.filter((one) => one.type === type).map((one) => one.payload);

beforeEach(async () => {
  name = `machines-${uuid7()}`;
  localStorage.clear();
  router.enter({ machineId: null, route: HOME }, true);
  a = await made();
  b = await made();
  a.state.machine = { ...a.state.machine, name: "atlas" };
  b.state.machine = { ...b.state.machine, name: "borealis" };
  door = doorToMany(
    [
      { machine: a, paired: { machineId: A, name: "atlas", signingKey: "key-a" } },
      { machine: b, paired: { machineId: B, name: "borealis", signingKey: "key-b" } },
    ],
    { paired: [A, B] },
  );
});
afterEach(() => {
  for (const app of apps.splice(0)) close(app);
});

describe("two machines that say the same ids", () => {
  /** What a person can do on a machine, and what the machine hears of it. Nothing of it may reach the other one, on the wire or on the device. */
  const deeds: readonly (readonly [string, string, (one: Workspace) => Promise<unknown>])[] = [
    ["decide", "agent_prompt_response", (one) => one.decide(waiting(one), "allow", "once")],
    ["prompt", "agent_message", (one) => one.prompt(SESSION.done, "words of mine")],
    ["start a session", "agent_session_new", (one) => start(one)],
    ["fork", "agent_session_fork", (one) => one.forkSession(SESSION.done, "words of mine", null)],
    ["steer", "agent_steer", (one) => one.steer(SESSION.working, "words of mine")],
    ["set a session", "agent_session_set", (one) => one.setSession(SESSION.done, { pinned: true })],
    ["delete a session", "agent_session_delete", (one) => one.deleteSession(SESSION.done)],
    ["undo", "snapshot_diff", (one) => one.previewUndo({ kind: "approval", id: APPROVAL.command })],
    ["read devices", "devices_list", (one) => one.readDevices()],
  ];
  const waiting = (one: Workspace) => {
    const approval = one.approvals.get(APPROVAL.command);
    if (!approval) throw new Error("no such approval");
    return approval;
  };
  const start = (one: Workspace): Promise<string> =>
    one.startSession({ projectId: one.projects[0]?.projectId ?? "", agent: "claude", content: "words of mine", mode: null, model: null });

  for (const [deed, type, run] of deeds)
    it.each([
      ["the one that is shown", A],
      ["the other one", B],
    ])(`${deed}: on %s and nowhere else`, async (_, machineId) => {
      const app = await open();
      await loaded(app);
      const [mine, its] = machineId === A ? [a, b] : [b, a];
      const other = of(app, machineId === A ? B : A);
      const before = JSON.stringify([...other.sessions.values(), ...other.approvals.values(), other.outbox]);
      const heard = its.requests.length;
      await run(of(app, machineId));
      await until(() => asked(mine, type).length > 0, "it arrived");
      await until(() => of(app, machineId).outbox.length === 0, "it is recorded");
      expect(its.requests.slice(heard)).toEqual([]);
      expect(JSON.stringify([...other.sessions.values(), ...other.approvals.values(), other.outbox])).toBe(before);
    });

  it("have each a signature for themselves", async () => {
    const app = await open();
    await loaded(app);
    for (const machineId of [A, B]) await of(app, machineId).decide(waiting(of(app, machineId)), "deny", "once");
    await until(() => asked(a, "agent_prompt_response").length + asked(b, "agent_prompt_response").length === 2, "both were told");
    const signatures = [a, b].map((one) => (asked(one, "agent_prompt_response")[0] as { signature: string }).signature);
    expect(signatures).toEqual(["mock-signature", `mock-signature for ${B}`]);
  });

  it("keep apart what waits on this device while both are away, drafts, filters and copies, over a restart too", async () => {
    const app = await open();
    await loaded(app);
    for (const [machine, id] of [
      [a, A],
      [b, B],
    ] as const) {
      machine.state.network = "never";
      machine.dropAll();
      await until(() => !of(app, id).online, "away");
      of(app, id).drafts.write(SESSION.main, `draft of ${id}`);
      await of(app, id).prompt(SESSION.done, `prompt for ${id}`);
      await of(app, id).attachments.add("new", [new File([id], `${id}.txt`, { type: "text/plain" })]);
      keepFilter(id, `label ${id}`);
    }
    app.machines.keep();
    await settle();
    await vi.waitFor(async () => expect(await new Database(name).of(B).get("values", `draft/${SESSION.main}`)).toBeDefined());
    close(app);

    const again = await open();
    for (const id of [A, B]) {
      const one = of(again, id);
      expect(await one.drafts.read(SESSION.main)).toBe(`draft of ${id}`);
      expect(one.outbox.map((item) => (item.type === "agent_message" ? item.payload.content : ""))).toEqual([`prompt for ${id}`]);
      expect(one.attachments.of("new").map((file) => file.name)).toEqual([`${id}.txt`]);
      expect(keptFilter(id)).toBe(`label ${id}`);
      await until(() => one.asOf !== null, "its copy is shown");
      expect(one.name).toBe(id === A ? "atlas" : "borealis");
    }
    a.state.network = "good";
    of(again, A).wake();
    await until(() => asked(a, "agent_message").length === 1, "sent to the one that is back");
    expect(asked(b, "agent_message")).toEqual([]);
    expect(asked(a, "agent_message")).toMatchObject([{ content: `prompt for ${A}` }]);
  });

  it("do not close each other's approvals, and are counted together", async () => {
    const app = await open();
    await loaded(app);
    const each = of(app, A).inboxCount;
    expect(app.machines.inboxCount).toBe(2 * each);
    await of(app, B).decide(waiting(of(app, B)), "deny", "once");
    await until(() => of(app, B).approvals.get(APPROVAL.command)?.state === "denied", "denied there");
    expect(of(app, A).approvals.get(APPROVAL.command)?.state).toBe("pending");
    expect(of(app, A).ownDecision(APPROVAL.command)).toBeNull();
    expect(app.machines.inboxCount).toBe(2 * each - 1);
  });
});

describe("the inbox over all machines", () => {
  it("is in the order of one machine's: what destroys, then the oldest, whatever a machine's clock says", async () => {
    const app = await open();
    await loaded(app);
    const [one, other] = [of(app, A), of(app, B)];
    const inbox = inboxOf(app.machines.all);
    expect(inbox.others.length + inbox.reads.length).toBe(one.pending.length + other.pending.length);
    expect([...inbox.others].sort(byUrgency)).toEqual(inbox.others);
    for (const workspace of [one, other])
      expect(inbox.others.filter((item) => item.workspace === workspace).map((item) => item.of)).toEqual(
        workspace.pending.filter((approval) => !inbox.reads.some((read) => read.workspace === workspace && read.of === approval)),
      );
    // A clock that is an hour ahead makes nothing older or newer.
    other.clockOffset = 3600_000;
    const [first] = one.pending;
    if (!first) throw new Error("nothing waits");
    const later = new Date(Date.parse(first.requestedAt) + 3600_000 - 1000).toISOString();
    expect(byUrgency({ workspace: other, of: { ...first, requestedAt: later } }, { workspace: one, of: first })).toBeLessThan(0);
  });

  it("leads to what else waits, on this machine first, then on others", async () => {
    const app = await open();
    await loaded(app);
    const [one, other] = [of(app, A), of(app, B)];
    const others = othersAcross(one, app.machines.all, { name: "inbox", approvalId: one.pending[0]?.approvalId ?? null });
    expect(others.map((item) => item.workspace)).toEqual([...one.pending.slice(1).map(() => one), ...undecided(other).map(() => other)]);
  });
});

describe("the machine that is shown", () => {
  it("is the one that the address names; an address that names one that is not paired shows none", async () => {
    const app = await open();
    await loaded(app);
    expect(app.workspace?.machineId).toBe(A);
    expect(location.pathname, "with several, the address names it").toBe(`/m/${A}/`);
    app.machines.go(of(app, B), { name: "sessions", agentSessionId: SESSION.main });
    expect(location.pathname).toBe(`/m/${B}/sessions/${SESSION.main}`);
    expect(app.workspace?.machineId).toBe(B);
    expect(app.machines.href(of(app, B), HOME)).toBe(`/m/${B}/`);
    expect(app.machines.href(of(app, A), { name: "you", page: null })).toBe(`/m/${A}/you`);
    for (const machineId of ["", "0".repeat(32), A.toUpperCase(), `${A}0`]) {
      router.enter({ machineId, route: HOME });
      expect(app.workspace, machineId).toBeNull();
    }
    // A screen that names no machine (from before the second one was paired) is the first one's, whatever was shown since.
    router.enter({ machineId: null, route: HOME });
    expect(app.workspace?.machineId).toBe(A);
  });

  it("is the one that the person was at last, in the next page", async () => {
    const app = await open();
    app.machines.go(of(app, B), HOME);
    close(app);
    router.enter({ machineId: null, route: HOME }, true);
    expect((await open()).workspace?.machineId).toBe(B);
  });

  it("is named by words of its key where two bear one name", async () => {
    b.state.machine = { ...b.state.machine, name: " Atlas" };
    const app = await open();
    await loaded(app);
    const labels = app.machines.all.map((one) => app.machines.label(one));
    expect(new Set(labels).size).toBe(2);
    for (const label of labels) expect(label).toMatch(/atlas \([\w -]+\)$/i);
  });

  it("has an alarm of its own: that of another is neither shown as its nor gone with it", async () => {
    b.state.head = { ...b.state.head, signature: "forged" };
    const app = await open();
    await until(() => of(app, B).alarm !== null, "the alarm");
    await until(() => of(app, A).head !== null, "the other was checked");
    expect(app.machines.all.map(alarmed)).toEqual([false, true]);
    app.machines.go(of(app, B), HOME);
    app.machines.go(of(app, A), HOME);
    expect(app.machines.all.map(alarmed)).toEqual([false, true]);
  });

  it("works while another one refuses this device, which loses its copy alone", async () => {
    const first = await open();
    await loaded(first);
    for (const one of first.machines.all) await one.keep();
    close(first);
    b.state.refusal = { code: "UNAUTHORIZED", message: "", proved: true };
    const app = await open();
    await until(() => of(app, B).link.kind === "revoked", "revoked");
    await until(() => of(app, A).loaded, "read");
    expect(app.machines.all.map(troubled)).toEqual([false, true]);
    await vi.waitFor(async () => expect(await new Database(name).of(B).all("copy")).toEqual([]));
    expect((await new Database(name).of(A).all("copy")).length).toBeGreaterThan(0);
  });
});

describe("pairing and forgetting", () => {
  it("adds a machine and keeps the other one's things, and its connection", async () => {
    door = doorToMany(
      [
        { machine: a, paired: { machineId: A, name: "atlas", signingKey: "key-a" } },
        { machine: b, paired: { machineId: B, name: "borealis", signingKey: "key-b" } },
      ],
      { paired: [A] },
    );
    const app = await open();
    await loaded(app);
    expect(location.pathname).toBe("/");
    const before = of(app, A);
    before.drafts.write("new", "mine");
    await app.openLink(`https://x.example/#pair=${B}`);
    expect(app.phase).toBe("pairing");
    expect((await app.confirmPairing("Phone")).kind).toBe("paired");
    expect(app.machines.all.map((one) => one.machineId)).toEqual([A, B]);
    expect(app.workspace?.machineId).toBe(B);
    expect(of(app, A)).toBe(before);
    expect(before.link.kind).toBe("online");
    expect(await before.drafts.read("new")).toBe("mine");
    expect(await of(app, B).drafts.read("new")).toBe("");
  });

  it("renews a machine that is known, without a second one", async () => {
    const app = await open();
    await loaded(app);
    const before = of(app, B);
    await app.readInvite(`https://x.example/#pair=${B}`);
    expect((await app.confirmPairing("Phone")).kind).toBe("paired");
    expect(app.machines.all.map((one) => one.machineId).sort()).toEqual([A, B].sort());
    expect(of(app, B)).not.toBe(before);
    expect(before.link.kind).toBe("stopped");
  });

  it("refuses one more than it takes, without a word to that machine", async () => {
    const ids = Array.from({ length: MOST_MACHINES + 1 }, (_, n) => n.toString(16).padStart(32, "0"));
    const machines = await Promise.all(
      ids.map(async (machineId) => ({ machine: await made("fresh"), paired: { machineId, name: machineId, signingKey: "k" } })),
    );
    door = doorToMany(machines, { paired: ids.slice(0, MOST_MACHINES) });
    const app = await open();
    await loaded(app);
    const last = ids.at(-1) ?? "";
    await app.readInvite(`https://x.example/#pair=${last}`);
    expect(await app.confirmPairing("Phone")).toEqual({ kind: "full" });
    expect(machines.at(-1)?.machine.requests).toEqual([]);
    expect(app.machines.all).toHaveLength(MOST_MACHINES);
    const [first] = app.machines.all;
    if (first) await app.forget(first);
    expect((await app.confirmPairing("Phone")).kind).toBe("paired");
  });

  it("forgets one with its things, and nothing of the others; what is under way for it writes nothing more", async () => {
    const app = await open();
    await loaded(app);
    for (const id of [A, B]) {
      await of(app, id).keep();
      of(app, id).drafts.write("new", id);
      keepFilter(id, "pinned");
    }
    const gone = of(app, A);
    await app.forget(gone);
    gone.drafts.write("new", "late");
    await gone.drafts.flush();
    await gone.keep();
    await of(app, B).drafts.flush();
    for (const store of ["values", "outbox", "files", "copy"] as const)
      expect(await new Database(name).of(A).all(store), store).toEqual([]);
    expect([keptFilter(A), keptFilter(B)]).toEqual(["all", "pinned"]);
    expect(app.phase).toBe("ready");
    expect(app.workspace?.machineId).toBe(B);
    expect(location.pathname, "one machine: addresses as ever").toBe("/");
    expect(await new Database(name).of(B).get("values", "draft/new")).toBe(B);
    expect((await new Database(name).of(B).all("copy")).length).toBeGreaterThan(0);
    expect((await door.machines()).map((one) => one.machineId)).toEqual([B]);
    expect(of(app, B).online).toBe(true);
    await app.forget(of(app, B));
    expect(app.phase).toBe("pairing");
    expect(await door.machines()).toEqual([]);
  });

  it("wakes and keeps every machine, not only the one that is shown", async () => {
    const app = await open();
    await loaded(app);
    const woken = app.machines.all.map((one) => vi.spyOn(one, "wake"));
    const kept = app.machines.all.map((one) => vi.spyOn(one, "keep"));
    app.pageVisible(false);
    app.pageVisible(true);
    for (const spy of [...woken, ...kept]) expect(spy).toHaveBeenCalledOnce();
  });
});

describe("addresses", () => {
  it.each([
    ["/", null, "/"],
    ["/sessions/s1", null, "/sessions/s1"],
    [`/m/${A}`, A, `/m/${A}/`],
    [`/m/${A}/`, A, `/m/${A}/`],
    [`/m/${A}/projects/p/files/file/src%2Fa~dts`, A, `/m/${A}/projects/p/files/file/src%2Fa~dts`],
    [`/m/${A}/approvals/x`, A, `/m/${A}/approvals/x`],
    [`/m/${A}/review/x/${B}`, A, `/m/${A}/review/x/${B}`],
    [`/m/${A}/review/x/a%2Fb/y`, A, `/m/${A}/review/x`],
    [`/m/${A}/m/${B}/sessions/s1`, A, `/m/${A}/`],
    ["/m", "", "/m//"],
    ["/m/a%20b/sessions/s1", "", "/m//sessions/s1"],
    [`/m/${"x".repeat(65)}/you`, "", "/m//you"],
  ])("%s names the machine %j", (path, machineId, again) => {
    const place = parsePlace(path);
    expect(place.machineId).toBe(machineId);
    expect(placePath(place)).toBe(again);
  });
});
