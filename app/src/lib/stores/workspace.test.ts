import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { settle, until } from "../../../tests/wait";
import { doorTo } from "../../dev/mock-door";
import { MockMachine, type MockState } from "../../dev/mock-machine";
import { APPROVAL, bigTranscript, scenario, SESSION } from "../../dev/scenarios";
import { uuid7 } from "../ids/uuid7";
import type { Socket } from "../link/transport";
import { Database } from "../storage/database";
import { App } from "./app.svelte";
import { decidedElsewhere, stepsOf } from "./decisions";
import { SessionStore } from "./session.svelte";
import { Workspace } from "./workspace.svelte";

const PAIRED = { machineId: "3f9a1c27b5e04d8896aa10c2d7f4e51b", name: "atlas", signingKey: "mock" };
let state: MockState;
let machine: MockMachine;
let database: Database;
let workspace: Workspace;
const open: { stop(): void }[] = [];

async function start(): Promise<Workspace> {
  const made = new Workspace(doorTo(machine), database, PAIRED, "app/test");
  open.push(made);
  await made.start();
  return made;
}

beforeEach(async () => {
  state = await scenario("rich");
  state.pace = 0;
  machine = new MockMachine(state);
  database = new Database(`workspace-${uuid7()}`);
  workspace = await start();
  await until(() => workspace.loaded, "the machine's state was read");
});
afterEach(() => {
  for (const one of open.splice(0)) one.stop();
});

const pendingCommand = (): NonNullable<ReturnType<typeof workspace.approvals.get>> => {
  const approval = workspace.approvals.get(APPROVAL.command);
  if (!approval) throw new Error("no such approval");
  return approval;
};

describe("workspace", () => {
  it("reads the machine's state and follows its changes", async () => {
    expect(workspace.projects).toHaveLength(4);
    expect(workspace.pending).toHaveLength(11);
    expect(workspace.inboxCount).toBe(13);
    const [session] = state.sessions;
    if (session) machine.change({ kind: "session", session: { ...session, title: "Renamed" } });
    await until(() => workspace.sessions.get(session?.agentSessionId ?? "")?.title === "Renamed", "the change arrived");
  });

  describe("many sessions", () => {
    const many = (count: number): void => {
      const [first] = state.sessions;
      if (!first) throw new Error("no session");
      state.sessions = Array.from({ length: count }, (_, at) => ({
        ...first,
        agentSessionId: uuid7(),
        title: `Session ${at}`,
        updatedAt: new Date(Date.parse(first.updatedAt) - at * 1_000).toISOString(),
      }));
    };

    it("shows the first page at once and reads the rest by pages, each session once", async () => {
      many(1_000);
      const seen: number[] = [];
      const other = await start();
      await until(() => {
        if (seen.at(-1) !== other.sessions.size) seen.push(other.sessions.size);
        return other.listed;
      }, "all of them");
      expect(other.sessions.size).toBe(1_000);
      const asked = machine.requests
        .filter((request) => request.type === "agent_sessions_list")
        .map((request) => request.payload as { limit: number; after: string });
      expect(asked.map((page) => page.limit)).toEqual([200, 200, 200, 200, 200]);
      expect(new Set(asked.map((page) => page.after)).size).toBe(5);
    });

    it("goes on where it was cut off, keeps what an event said, and drops what is gone", async () => {
      many(600);
      state.errors.set("agent_sessions_list", "UNAVAILABLE");
      const other = await start();
      await until(() => other.loaded, "the first page");
      expect(other.sessions.size).toBe(50);
      expect(other.listed).toBe(false);
      const [newest] = state.sessions;
      const oldest = state.sessions.at(-1);
      if (!newest || !oldest) throw new Error("no session");
      machine.change({ kind: "session", session: { ...oldest, title: "Renamed", updatedAt: new Date().toISOString() } });
      state.errors.clear();
      machine.dropAll();
      await until(() => other.listed, "all of them after the break");
      expect(other.sessions.size).toBe(600);
      expect(other.sessions.get(oldest.agentSessionId)?.title).toBe("Renamed");

      // Another life of the machine, without one of them: what was known stays until the walk is over, then it is gone.
      state.sessions = state.sessions.filter((session) => session.agentSessionId !== oldest.agentSessionId);
      machine.epoch = "another";
      machine.dropAll();
      await until(() => other.listed && !other.sessions.has(oldest.agentSessionId), "read again");
      expect(other.sessions.size).toBe(599);
    });

    it("takes all at once from a machine that knows no pages", async () => {
      many(300);
      state.pages = false;
      const other = await start();
      await until(() => other.loaded, "read");
      expect(other.listed).toBe(true);
      expect(other.sessions.size).toBe(300);
    });
  });

  it("goes on after a cut-off turn once however often it is pressed, and says words into a running turn", async () => {
    const [cut] = [...(state.events.get(SESSION.failed) ?? [])].filter((event) => event.kind === "turn");
    const turnId = cut?.kind === "turn" ? cut.turn.turnId : "";
    await Promise.all([workspace.continueTurn(SESSION.failed, turnId), workspace.continueTurn(SESSION.failed, turnId)]);
    await workspace.steer(SESSION.working, "the slim variant");
    await until(() => workspace.outbox.length === 0, "all of it was recorded");
    expect(machine.requests.filter((request) => request.type === "agent_continue")).toHaveLength(1);
    const last = state.events.get(SESSION.working)?.at(-1);
    expect(last?.kind === "steer" && last.content).toBe("the slim variant");
  });

  it("puts waiting prompts into another order and remembers which models an agent told", async () => {
    const store = new SessionStore(workspace, SESSION.main);
    await until(() => store.queue.length === 2, "the queue");
    const [first, second] = store.queue.map((turn) => turn.turnId);
    await store.moveQueued(second ?? "", first ?? null);
    await until(() => store.queue[0]?.turnId === second, "the other order");
    expect(store.commands.map((command) => command.name)).toContain("compact");
    workspace.agents = workspace.agents.map((agent) => ({ ...agent, knownModels: [] }));
    machine.emit(SESSION.main, {
      kind: "offers",
      commands: [],
      models: [{ id: "new", name: "New", efforts: null }],
      efforts: null,
      at: new Date().toISOString(),
      turnId: null,
      parentToolUseId: null,
    });
    await until(() => workspace.agent("claude")?.knownModels[0]?.id === "new", "the models");
    store.close();
  });

  it("undoes exactly what was looked at, and what others changed only when that is meant", async () => {
    const target = { kind: "approval" as const, id: APPROVAL.command };
    const preview = await workspace.previewUndo(target);
    expect(preview.total).toBe(3);
    expect(preview.changedSince).toBe(1);
    await expect(workspace.undo(preview, false)).rejects.toMatchObject({ code: "FILES_CHANGED" });
    await expect(workspace.undo({ ...preview, digest: "00" }, true)).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });

    const undone = await workspace.undo(preview, true);
    expect(undone).toMatchObject({ target, files: 3 });
    const sent = machine.requests.findLast((request) => request.type === "snapshot_undo")?.payload;
    expect(sent).toMatchObject({ target, digest: preview.digest, force: true, signature: "mock-signature" });

    const store = new SessionStore(workspace, SESSION.main);
    open.push({ stop: () => store.close() });
    await until(
      () => store.rows.some((row) => row.kind === "undo" && row.undo.undoId === undone.undoId),
      "the undo stands in the transcript",
    );
  });

  it("walks a decision from the tap to its outcome", async () => {
    await workspace.decide(pendingCommand(), "allow", "once");
    await until(() => workspace.approvals.get(APPROVAL.command)?.state === "finished", "finished");
    const approval = workspace.approvals.get(APPROVAL.command);
    const own = workspace.ownDecision(APPROVAL.command);
    expect(own).toMatchObject({ verdict: "allow", state: "recorded" });
    expect(approval && stepsOf(approval, own).every((step) => step.state === "done")).toBe(true);
    expect(machine.requests.filter((request) => request.type === "agent_prompt_response")).toHaveLength(1);
  });

  it("decides once, however often the button is tapped", async () => {
    const approval = pendingCommand();
    await Promise.all([
      workspace.decide(approval, "allow", "once"),
      workspace.decide(approval, "allow", "once"),
      workspace.decide(approval, "deny", "once"),
    ]);
    await until(() => workspace.approvals.get(APPROVAL.command)?.state === "finished", "finished");
    expect(machine.requests.filter((request) => request.type === "agent_prompt_response")).toHaveLength(1);
  });

  it("keeps a decision made offline and sends it when the machine is back", async () => {
    state.network = "never";
    machine.dropAll();
    await until(() => workspace.link.kind === "offline", "offline");
    await workspace.decide(pendingCommand(), "deny", "once", { reason: "Not now" });
    expect(workspace.ownDecision(APPROVAL.command)).toMatchObject({ verdict: "deny", state: "saved" });
    state.network = "good";
    workspace.wake();
    await until(
      () => workspace.approvals.get(APPROVAL.command)?.state === "denied" || workspace.ownDecision(APPROVAL.command)?.state === "recorded",
      "recorded",
    );
    expect(state.approvals.find((item) => item.approvalId === APPROVAL.command)).toMatchObject({
      state: "denied",
      decision: { reason: "Not now" },
    });
  });

  it("tells that somebody else was faster", async () => {
    const approval = pendingCommand();
    const at = new Date().toISOString();
    // Decided on the machine, and the news has not come through yet.
    const index = state.approvals.findIndex((item) => item.approvalId === APPROVAL.command);
    state.approvals[index] = {
      ...approval,
      state: "denied",
      decision: { decisionId: "other", verdict: "deny", scope: "once", reason: null, deviceId: "desk", by: "Firefox on Linux", at },
    };
    await workspace.decide(approval, "allow", "once");
    await until(() => workspace.ownDecision(APPROVAL.command)?.state === "refused", "refused");
    await until(() => workspace.approvals.get(APPROVAL.command)?.decision !== null, "the other decision is shown");
    const now = workspace.approvals.get(APPROVAL.command);
    expect(now && decidedElsewhere(now, workspace.ownDecision(APPROVAL.command))).toBe(true);
  });

  it("learns what became of an approval that was closed while the machine restarted", async () => {
    const index = state.approvals.findIndex((item) => item.approvalId === APPROVAL.command);
    state.approvals[index] = {
      ...pendingCommand(),
      state: "expired",
      decision: {
        decisionId: "x",
        verdict: "deny",
        scope: "once",
        reason: null,
        deviceId: null,
        by: "restart",
        at: new Date().toISOString(),
      },
    };
    machine.epoch = "after-restart";
    machine.dropAll();
    await until(() => workspace.approvals.get(APPROVAL.command)?.state === "expired", "expired");
    expect(workspace.pending.some((approval) => approval.approvalId === APPROVAL.command)).toBe(false);
  });

  it("lets a refused decision be made again", async () => {
    state.errors.set("agent_prompt_response", "BAD_SIGNATURE");
    await workspace.decide(pendingCommand(), "allow", "once");
    await until(() => workspace.ownDecision(APPROVAL.command)?.error?.code === "BAD_SIGNATURE", "refused");
    state.errors.clear();
    await workspace.decide(pendingCommand(), "allow", "once");
    await until(() => workspace.approvals.get(APPROVAL.command)?.state === "finished", "finished");
  });

  it("starts a session offline under an id that never changes", async () => {
    state.network = "never";
    machine.dropAll();
    await until(() => workspace.link.kind === "offline", "offline");
    const id = await workspace.startSession({
      projectId: state.projects[0]?.projectId ?? "",
      agent: "claude",
      content: "Do it",
      mode: null,
      model: null,
    });
    state.network = "good";
    workspace.wake();
    await until(() => workspace.sessions.has(id), "the session is there");
    expect(state.sessions.filter((session) => session.agentSessionId === id)).toHaveLength(1);
  });

  it("knows what the device may do", async () => {
    expect(workspace.can("decide")).toBe(true);
    state.scopes = ["view"];
    machine.dropAll();
    await until(() => workspace.hello?.scopes.length === 1, "greeted again");
    expect(workspace.can("decide")).toBe(false);
  });

  it("knows that it acts through approvals alone, and from when on", async () => {
    expect([workspace.acts, workspace.approvalsOnly]).toEqual([true, false]);
    machine.change({ kind: "device", device: { ...state.devices[1]!, tier: "read" } });
    machine.change({ kind: "device", device: { ...state.devices[0]!, tier: "reaches_out" } });
    await until(() => workspace.approvalsOnly, "this one was limited");
    expect([workspace.can("decide"), workspace.acts]).toEqual([true, false]);
    machine.change({ kind: "device", device: { ...state.devices[0]!, tier: null } });
    await until(() => workspace.acts, "it is not any more");
    machine.change({ kind: "machine", machine: { ...state.machine, twoPeople: true } });
    await until(() => !workspace.acts, "two people must allow");
    state.devices = [{ ...state.devices[0]!, tier: "read" }];
    machine.change({ kind: "machine", machine: state.machine });
    await until(() => workspace.acts, "one is enough again");
    machine.dropAll();
    await until(() => workspace.approvalsOnly, "greeted with its tier");
  });
});

describe("ledger memory", () => {
  const reconnect = async (): Promise<Workspace> => {
    for (const one of open.splice(0)) one.stop();
    const again = await start();
    await until(() => again.loaded, "read again");
    await settle();
    return again;
  };
  beforeEach(async () => {
    await until(() => workspace.head !== null, "the head was checked");
  });

  it("is content when the ledger only grew", async () => {
    const last = state.ledger.at(-1);
    state.ledger.push({ seq: (last?.seq ?? 0) + 1, hash: "ab".repeat(32), body: "{}" });
    state.head = { ...state.head, seq: state.head.seq + 1, hash: "ab".repeat(32) };
    expect((await reconnect()).alarm).toBeNull();
  });

  it("raises the alarm when rows are missing", async () => {
    state.head = { ...state.head, seq: state.head.seq - 1 };
    expect((await reconnect()).alarm?.kind).toBe("went_back");
  });

  it("raises the alarm when the ledger is another one", async () => {
    state.head = { ...state.head, epoch: "new" };
    expect((await reconnect()).alarm?.kind).toBe("new_epoch");
  });

  it("raises the alarm when a remembered row has another hash", async () => {
    const row = state.ledger.at(-1);
    if (row) row.hash = "cd".repeat(32);
    state.head = { ...state.head, seq: state.head.seq + 1, hash: "ef".repeat(32) };
    expect((await reconnect()).alarm?.kind).toBe("rewritten");
  });

  it("raises the alarm when a head is not signed by the machine, and that one can't be waved through", async () => {
    state.head = { ...state.head, signature: "forged" };
    const again = await reconnect();
    expect(again.alarm?.kind).toBe("bad_signature");
    await again.acceptLedger();
    expect(again.alarm?.kind).toBe("bad_signature");
  });

  it("keeps the alarm over reconnects until a person accepts", async () => {
    state.head = { ...state.head, epoch: "new" };
    const again = await reconnect();
    machine.dropAll();
    await until(() => again.link.kind === "online", "back");
    await settle();
    expect(again.alarm?.kind).toBe("new_epoch");
    await again.acceptLedger();
    expect(again.alarm).toBeNull();
    expect((await reconnect()).alarm).toBeNull();
  });

  it("follows pushed heads and notices a forged one", async () => {
    machine.change({ kind: "ledger_head", head: { ...state.head, seq: state.head.seq + 5, hash: "aa".repeat(32) } });
    await until(() => workspace.head?.seq === state.head.seq + 5, "moved");
    machine.change({ kind: "ledger_head", head: { ...state.head, seq: state.head.seq + 6, hash: "bb".repeat(32), signature: "forged" } });
    await until(() => workspace.alarm?.kind === "bad_signature", "alarm");
  });
});

describe("session store", () => {
  it("reads a transcript and goes on after a break without losing or doubling anything", async () => {
    const store = new SessionStore(workspace, SESSION.main);
    await until(() => store.rows.length > 0, "rows");
    const before = store.rows.length;
    machine.dropAll();
    machine.emit(SESSION.main, {
      kind: "notice",
      level: "info",
      text: "while away",
      at: new Date().toISOString(),
      turnId: null,
      parentToolUseId: null,
    });
    await until(() => store.rows.length === before + 1, "the missed event");
    expect(new Set(store.rows.map((row) => row.key)).size).toBe(store.rows.length);
    store.close();
  });

  it("shows live text and starts over when the stream's epoch changes", async () => {
    const store = new SessionStore(workspace, SESSION.working);
    await until(() => store.rows.some((row) => row.kind === "text" && row.live), "live text");
    machine.epoch = "another";
    machine.dropAll();
    await until(() => workspace.link.kind === "online" && store.rows.length === 6, "read again");
    store.close();
  });

  it("edits and removes queued prompts", async () => {
    const store = new SessionStore(workspace, SESSION.main);
    await until(() => store.queue.length === 2, "two queued");
    const [first, second] = store.queue;
    await store.editQueued(first?.turnId ?? "", "Edited");
    await store.removeQueued(second?.turnId ?? "");
    await until(() => store.queue.length === 1 && store.queue[0]?.content === "Edited", "edited and removed");
    store.close();
  });

  it("makes one prompt of those that wait", async () => {
    const store = new SessionStore(workspace, SESSION.main);
    await until(() => store.queue.length === 2, "two queued");
    const words = store.queue.map((turn) => turn.content).join("\n\n");
    await store.mergeQueued(store.queue.map((turn) => turn.turnId));
    await until(() => store.queue.length === 1, "one queued");
    expect(store.queue[0]?.content).toBe(words);
    store.close();
  });

  it("opens ten thousand events", async () => {
    state.events.set(SESSION.done, bigTranscript(10_000));
    const store = new SessionStore(workspace, SESSION.done);
    await until(() => store.caughtUp && store.rows.length > 5000, "all rows");
    store.close();
  });
});

async function forgetAll(app: App): Promise<void> {
  for (const one of app.machines.all) await app.forget(one);
}

describe("pairing", () => {
  it("turns a link into a paired machine", async () => {
    const app = new App(doorTo(machine, null), () => new Database(`pair-${uuid7()}`));
    await app.start("https://x.example/#pair=aaaaaaaaaaaa");
    expect(app.phase).toBe("pairing");
    expect(app.invite?.machineId).toBe(PAIRED.machineId);
    await expect(app.confirmPairing("Phone")).resolves.toMatchObject({ kind: "paired", machine: { name: "atlas" } });
    expect(app.phase).toBe("ready");
    expect(
      machine.requests
        .filter((request) => request.type === "hello")
        .some((request) => (request.payload as { deviceName?: string }).deviceName === "Phone"),
    ).toBe(true);
    app.workspace?.stop();
  });

  it("says when the link is none, and when the machine refuses it", async () => {
    const app = new App(doorTo(machine, null), () => new Database(`pair-${uuid7()}`));
    await app.start("https://x.example/#pair=?");
    expect(app.inviteProblem).toBe(true);
    await app.readInvite("https://x.example/#pair=aaaaaaaaaaaa");
    state.refusal = { code: "pairing_refused", message: "", proved: false };
    await expect(app.confirmPairing("Phone")).resolves.toMatchObject({ kind: "refused", refusal: { code: "pairing_refused" } });
    expect(app.phase).toBe("pairing");
  });

  it("by way of a gateway that asks to sign in keeps the link, which goes on afterwards", async () => {
    const door = doorTo(machine, null);
    const { openSocket } = door;
    let signedIn = false;
    door.openSocket = async (machineId) => {
      if (signedIn) return () => openSocket(machineId) as Socket;
      throw Object.assign(new Error("no"), { refusal: { code: "account:not_signed_in", message: "", proved: false } });
    };
    const app = new App(door, () => new Database(`pair-${uuid7()}`));
    await app.start("https://x.example/#pair=aaaaaaaaaaaa");
    await app.confirmPairing("Phone");
    expect(app.phase).toBe("account");
    expect(app.errand).toMatchObject({ code: "account:not_signed_in" });
    signedIn = true;
    app.leaveAccount();
    expect(app.phase).toBe("pairing");
    await expect(app.confirmPairing("Phone")).resolves.toMatchObject({ kind: "paired" });
    expect(app.phase).toBe("ready");
    app.workspace?.stop();
  });

  it("is told from a link that welcomes somebody, opened or pasted", async () => {
    const app = new App(doorTo(machine, null), () => new Database(`pair-${uuid7()}`));
    const link = `https://x.example/welcome#${"A".repeat(43)}`;
    await app.start(link);
    expect(app.phase).toBe("account");
    expect(app.errand).toEqual({ link });
    app.leaveAccount();
    expect(app.phase).toBe("pairing");
    expect(app.inviteProblem).toBe(false);
    await app.readInvite(link);
    expect(app.phase).toBe("account");
  });

  it("forgets the machine and everything kept for it", async () => {
    const own = new Database(`forget-${uuid7()}`);
    const app = new App(doorTo(machine), () => own);
    await app.start(null);
    await until(() => app.workspace?.head !== null, "the head was remembered");
    await forgetAll(app);
    expect(app.phase).toBe("pairing");
    expect(await own.of(PAIRED.machineId).all("values")).toEqual([]);
  });
});

describe("a gateway that ends the sign-in", () => {
  it("loses nothing: what was written waits, and goes once somebody signed in again", async () => {
    const door = doorTo(machine);
    const { openSocket } = door;
    let signedIn = true;
    door.openSocket = async (machineId) => {
      if (signedIn) return () => openSocket(machineId) as Socket;
      throw Object.assign(new Error("no"), { refusal: { code: "account:not_signed_in", message: "", proved: false } });
    };
    const app = new App(door, () => new Database(`ended-${uuid7()}`));
    await app.start(null);
    const one = app.workspace;
    if (!one) throw new Error("there is no machine");
    await until(() => one.loaded, "the machine was read");
    signedIn = false;
    machine.dropAll();
    await until(() => one.link.kind === "refused", "the gateway asks to sign in");
    await one.prompt(SESSION.main, "written meanwhile");
    expect(one.outbox.length).toBe(1);
    const sent = (): number => machine.requests.filter(({ type }) => type === "agent_message").length;
    expect(sent()).toBe(0);
    signedIn = true;
    app.openAccount({ code: "account:not_signed_in" });
    app.leaveAccount();
    await until(() => one.outbox.length === 0, "it was recorded");
    expect(sent()).toBe(1);
    one.stop();
  });
});

describe("a cold start without the machine", () => {
  /** Reads everything once, closes the app, and opens it where the machine can't be reached. */
  async function readThenLeave(): Promise<void> {
    const session = new SessionStore(workspace, SESSION.main);
    await until(() => session.caughtUp, "the transcript was read");
    session.close();
    await workspace.keep();
    await settle(50);
    workspace.stop();
  }

  async function startAway(network: MockState["network"] = "never"): Promise<Workspace> {
    const away = await scenario("rich");
    away.network = network;
    machine = new MockMachine(away);
    return start();
  }

  it("shows lists, titles and a transcript that was read before, and says of when", async () => {
    await readThenLeave();
    const before = Date.now();
    const offline = await startAway();
    await until(() => offline.asOf !== null, "the copy is shown");
    expect(offline.loaded).toBe(false);
    expect(offline.asOf).toBeLessThanOrEqual(before);
    expect(offline.sessions.get(SESSION.main)?.title).toBe("Fix the login: hash passwords, slow down guessing");
    expect(offline.projects).toHaveLength(4);
    expect(offline.agents.map((agent) => agent.id)).toContain("claude");
    const session = new SessionStore(offline, SESSION.main);
    await until(() => session.kept !== null, "the transcript is shown");
    expect(JSON.stringify(session.kept?.rows)).toContain("Log-in feels too easy to guess");
    expect(session.caughtUp).toBe(false);
    session.close();
    const unread = new SessionStore(offline, SESSION.failed);
    await settle();
    expect(unread.kept).toBeNull();
    unread.close();
  });

  it("has nothing to decide on: only what the machine itself lists is", async () => {
    await readThenLeave();
    const offline = await startAway();
    await until(() => offline.asOf !== null, "the copy is shown");
    expect(offline.pending).toEqual([]);
    expect(offline.approvals.size).toBe(0);
  });

  it("keeps a new session for later, in a project of the copy", async () => {
    await readThenLeave();
    const offline = await startAway();
    await until(() => offline.asOf !== null, "the copy is shown");
    const [project] = offline.projects;
    await offline.startSession({ projectId: project?.projectId ?? "", agent: "claude", content: "Later, please", mode: null, model: null });
    expect(offline.outbox.map((item) => item.type)).toEqual(["agent_session_new"]);
  });

  it("gives way to the machine once it is reached", async () => {
    await readThenLeave();
    const back = await startAway("good");
    await until(() => back.loaded, "the machine was reached");
    expect(back.asOf).toBeNull();
    await settle();
    expect(back.asOf).toBeNull();
    const session = new SessionStore(back, SESSION.main);
    await until(() => session.caughtUp, "the transcript was read");
    expect(session.kept).toBeNull();
    session.close();
  });

  it("lets a device that looks only look", async () => {
    workspace.stop();
    state = await scenario("viewer");
    machine = new MockMachine(state);
    workspace = await start();
    await until(() => workspace.loaded, "loaded");
    await readThenLeave();
    const offline = await startAway();
    await until(() => offline.asOf !== null, "the copy is shown");
    expect(offline.can("prompt")).toBe(false);
  });

  it("is empty after the machine was forgotten, and after this device was revoked", async () => {
    await readThenLeave();
    const revoked = await scenario("revoked");
    machine = new MockMachine(revoked);
    const out = await start();
    await until(() => out.link.kind === "revoked", "revoked");
    await until(() => out.sessions.size === 0 && out.asOf === null, "what was shown is gone");
    await settle();
    expect(await database.of(PAIRED.machineId).all("copy")).toEqual([]);

    machine = new MockMachine(await scenario("rich"));
    const app = new App(doorTo(machine), () => database);
    await app.start(null);
    await until(() => app.workspace?.loaded === true, "read again");
    await app.workspace?.keep();
    expect((await database.of(PAIRED.machineId).all("copy")).length).toBeGreaterThan(0);
    await forgetAll(app);
    expect(await database.of(PAIRED.machineId).all("copy")).toEqual([]);
    expect(await database.of(PAIRED.machineId).all("files")).toEqual([]);
  });
});
