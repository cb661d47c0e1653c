import { afterEach, describe, expect, it, vi } from "vitest";
import { settle, until } from "../../tests/wait";
import { doorTo } from "../dev/mock-door";
import { MockMachine } from "../dev/mock-machine";
import { approval, scenario, SESSION } from "../dev/scenarios";
import { uuid7 } from "$lib/ids/uuid7";
import { keepPush, keptPush } from "$lib/push/kept";
import type { OutboxItem } from "$lib/outbox/outbox";
import type { ApprovalInfo } from "$lib/protocol/generated";
import { Database, type MachineStorage } from "$lib/storage/database";
import { decide, type Outcome } from "./decide";
import type { WorkerDoor } from "./door";
import { renew } from "./renew";
import type { Asked } from "./show";
import { ID, MACHINE } from "./testing";

const COMMAND = { kind: "command", command: "git status", cwd: "/home/ada/src/api", tool: "bash", input: "{}" } as const;
const ASKED: Asked = {
  approvalId: ID,
  agentSessionId: SESSION.main,
  digest: "9f2c7be01a4d55c3e8b1f09d7a6c43e2b5d80f1e2c3a4b5968778695a4b3c2d1",
  whole: true,
  what: "git status",
  folder: "/home/ada/src/api",
  tier: "read",
  sandbox: "bubblewrap",
};

async function world(change: Partial<ApprovalInfo> = {}): Promise<{
  machine: MockMachine;
  door: WorkerDoor;
  storage: MachineStorage;
  press: (verdict: "allow" | "deny", asked?: Asked, limitMs?: number) => Promise<Outcome>;
  outbox: () => Promise<OutboxItem[]>;
  sent: () => { decisionId: string; verdict: string }[];
  state: () => string | undefined;
}> {
  const state = await scenario("rich");
  state.pace = 0;
  const risk = { tier: "read", understood: true, reversible: true, consequences: [], spans: [] } as unknown as ApprovalInfo["risk"];
  // By way of a tool: the mock knows the risks of its own commands only.
  const tool = { kind: "tool", tool: "x", input: "{}" } as const;
  state.approvals.push(
    approval(ID, SESSION.main, tool, { kind: "command", subject: COMMAND, sandbox: "bubblewrap", risk: risk ?? null, ...change }),
  );
  const machine = new MockMachine(state);
  const door: WorkerDoor = { ...doorTo(machine), paired: { machineId: MACHINE, name: "atlas", signingKey: "mock" } };
  const storage = new Database(`worker-${uuid7()}`).of(MACHINE);
  return {
    machine,
    door,
    storage,
    press: (verdict, asked = ASKED, limitMs = 5000) => decide(asked, verdict, { door, storage, app: "app/test", limitMs, againMs: 1 }),
    outbox: () => storage.all<OutboxItem>("outbox"),
    sent: () =>
      machine.requests.flatMap(({ type, payload }) =>
        type === "agent_prompt_response" ? [payload as { decisionId: string; verdict: string }] : [],
      ),
    state: () => state.approvals.find((one) => one.approvalId === ID)?.state,
  };
}

afterEach(() => vi.restoreAllMocks());

describe("deciding in a notification", () => {
  it("allows what was shown once the machine has recorded it, and leaves nothing waiting", async () => {
    const { press, sent, outbox, state } = await world();
    expect(await press("allow")).toEqual({ kind: "recorded" });
    expect(sent()).toMatchObject([{ verdict: "allow", scope: "once", digest: ASKED.digest, reason: null, interrupt: false }]);
    expect(await outbox()).toEqual([]);
    expect(state()).toBe("finished");
  });

  it("denies, also what is not whole", async () => {
    const { press, state } = await world({ risk: null });
    expect(await press("deny", { ...ASKED, whole: false, what: null })).toEqual({ kind: "recorded" });
    expect(state()).toBe("denied");
  });

  const command = (more: object): Partial<ApprovalInfo> => ({ subject: { ...COMMAND, ...more } });
  it.each<[string, Partial<ApprovalInfo>]>([
    ["another command", command({ command: "git status; rm -rf ~" })],
    ["another folder", command({ cwd: "/" })],
    ["input that was not shown", command({ stdin: "y" })],
    ["a background", command({ background: true })],
    ["a script", command({ scripts: [{ path: "x.sh", sha256: "0", text: "" }] })],
    ["another sandbox", { sandbox: "none" }],
    ["another kind", { subject: { kind: "edit", path: "x", creates: false, tool: "Edit", input: "{}", diff: null } as never }],
    ["another digest", { digest: "0".repeat(64) }],
    ["no assessment", { risk: null }],
    ["more than was understood", { risk: { tier: "read", understood: false, reversible: true, consequences: [] } as never }],
    ["another tier", { risk: { tier: "destructive", understood: true, reversible: true, consequences: [] } as never }],
  ])("does not allow when the machine has %s", async (_, change) => {
    const { press, sent, outbox, state } = await world(change);
    expect(await press("allow")).toEqual({ kind: "changed" });
    expect([sent(), await outbox(), state()]).toEqual([[], [], "pending"]);
  });

  it("never allows what was not shown whole, and asks nothing for it", async () => {
    const { press, machine } = await world();
    expect(await press("allow", { ...ASKED, whole: false })).toEqual({ kind: "changed" });
    expect(machine.requests).toEqual([]);
  });

  it("does not allow what destroys, even if the notice said so", async () => {
    const { press } = await world({ risk: { tier: "destructive", understood: true, reversible: true, consequences: [] } as never });
    expect(await press("allow", { ...ASKED, tier: "destructive" })).toEqual({ kind: "changed" });
  });

  it("decides nothing that waits no more", async () => {
    const { press, sent } = await world({ state: "denied" });
    expect(await press("allow")).toEqual({ kind: "over" });
    expect(await press("allow", { ...ASKED, approvalId: uuid7() })).toEqual({ kind: "over" });
    expect(sent()).toEqual([]);
  });

  it("loses a race honestly", async () => {
    const { press, machine, outbox } = await world();
    machine.state.errors.set("agent_prompt_response", "ALREADY_DECIDED");
    expect(await press("allow")).toEqual({ kind: "over" });
    expect(await outbox()).toEqual([]);
  });

  it("decides nothing without the scope for it", async () => {
    const { press, machine, sent } = await world();
    machine.state.scopes = ["view"];
    expect(await press("deny")).toEqual({ kind: "may_not" });
    expect(sent()).toEqual([]);
  });

  it("decides nothing on top of a ledger that is not the one that this device knows", async () => {
    const { press, machine, sent } = await world();
    machine.state.head = { ...machine.state.head, signature: "forged" };
    expect(await press("deny")).toEqual({ kind: "alarm" });
    expect(sent()).toEqual([]);
  });

  it("makes no second decision beside one that the app made", async () => {
    const { press, storage, machine } = await world();
    await storage.put("outbox", "x", { type: "agent_prompt_response", payload: { approvalId: ID } });
    expect(await press("allow")).toEqual({ kind: "begun" });
    expect(machine.requests).toEqual([]);
  });

  it("signs nothing, and does not wait, when the gateway asks to sign in", async () => {
    const { press, machine, door, outbox } = await world();
    const refusal = { code: "account:not_signed_in", message: "", proved: false };
    door.openSocket = () => Promise.reject(Object.assign(new Error("sign in"), { refusal }));
    const signs = vi.spyOn(door, "signDecision");
    expect(await press("allow", ASKED, 60_000)).toEqual({ kind: "unreachable" }); // a case has less time than that
    expect([signs.mock.calls.length, await outbox(), machine.requests]).toEqual([0, [], []]);
  });

  it("signs nothing when the machine can't be reached", async () => {
    const { press, machine, door, outbox } = await world();
    machine.state.network = "never";
    const signs = vi.spyOn(door, "signDecision");
    expect(await press("allow", ASKED, 50)).toEqual({ kind: "unreachable" });
    expect([signs.mock.calls.length, await outbox()]).toEqual([0, []]);
  });

  it("sends the same again when the connection breaks, and it counts once", async () => {
    const { press, machine, sent, state } = await world();
    const pressed = press("allow");
    machine.state.errors.set("agent_prompt_response", "UNAVAILABLE");
    await until(() => sent().length > 1, "it was sent twice");
    machine.state.errors.delete("agent_prompt_response");
    expect(await pressed).toEqual({ kind: "recorded" });
    expect(new Set(sent().map(({ decisionId }) => decisionId)).size).toBe(1);
    expect(state()).toBe("finished");
  });

  it("leaves to the app what got no answer, under the same id", async () => {
    const { press, machine, sent, outbox } = await world();
    machine.state.errors.set("agent_prompt_response", "UNAVAILABLE");
    expect(await press("deny", ASKED, 200)).toEqual({ kind: "unanswered" });
    const [item] = await outbox();
    expect(item).toMatchObject({
      machineId: MACHINE,
      state: "sent",
      type: "agent_prompt_response",
      payload: { approvalId: ID, verdict: "deny" },
    });
    expect(item?.id).toBe(sent()[0]?.decisionId);
  });

  it("names the machine's code when it refuses, and keeps nothing", async () => {
    const { press, machine, outbox } = await world();
    machine.state.errors.set("agent_prompt_response", "STORAGE_FULL");
    expect(await press("deny")).toEqual({ kind: "refused", code: "STORAGE_FULL" });
    expect(await outbox()).toEqual([]);
  });
});

describe("a subscription that the browser changed", () => {
  const subscription = (endpoint: string): PushSubscription =>
    ({
      endpoint,
      getKey: () => new Uint8Array([1, 2, 3]).buffer,
      options: { applicationServerKey: null, userVisibleOnly: true },
    }) as unknown as PushSubscription;
  const manager = (endpoint: string): PushManager => ({ subscribe: async () => subscription(endpoint) }) as unknown as PushManager;

  it("is told to the machine, and remembered", async () => {
    const { door, storage, machine } = await world();
    await keepPush(storage, { endpoint: "https://push.example/old" });
    await renew(null, manager("https://push.example/new"), { door, storage, app: "app/test", limitMs: 5000 });
    expect(machine.requests.find(({ type }) => type === "push_subscribe")?.payload).toMatchObject({ endpoint: "https://push.example/new" });
    expect(await keptPush(storage)).toEqual({ endpoint: "https://push.example/new" });
  });

  it("is nobody's business while notifications are off", async () => {
    const { door, storage, machine } = await world();
    await renew(null, manager("https://push.example/new"), { door, storage, app: "app/test", limitMs: 5000 });
    await settle();
    expect(machine.requests).toEqual([]);
  });
});
