import type { Door, Invite, PairedMachine } from "$lib/link/door";
import type { SecureTransport } from "$lib/link/transport";
import { uuid7 } from "$lib/ids/uuid7";
import { type MockLetter, MockMachine } from "./mock-machine";
import { approval, bigTranscript, longDiff, scenario, SESSION } from "./scenarios";

/** The second machine, with `&second=SCENARIO` in the address; with `&join` it is still to be paired. */
const SECOND: PairedMachine = { machineId: "b2d07e66c41f4e7f90c3aa5518e6f70d", name: "borealis", signingKey: "mock-second" };
const MACHINE: PairedMachine = { machineId: "3f9a1c27b5e04d8896aa10c2d7f4e51b", name: "atlas", signingKey: "mock" };

/** A door to a machine that lives in this page: no keys, no network, every state at will. Development and tests only. */
export async function mockDoor(search: string): Promise<Door> {
  const name = new URLSearchParams(search).get("mock") || "rich";
  const accounts = new URLSearchParams(search).get("accounts");
  if (accounts !== null) await (await import("./mock-accounts")).mockAccounts(accounts);
  const machine = new MockMachine(await scenario(name));
  Object.assign(globalThis, { mock: handle(machine) });
  const second = new URLSearchParams(search).get("second");
  if (second === null) return doorTo(machine, name === "unpaired" ? null : MACHINE, name);
  const other = new MockMachine(await scenario(second));
  other.state.machine = { ...other.state.machine, name: SECOND.name, os: "Fedora Linux 42" };
  Object.assign(globalThis, { mockSecond: handle(other) });
  const machines = [
    { machine, paired: MACHINE },
    { machine: other, paired: SECOND },
  ];
  const known = new URLSearchParams(search).has("join") ? machines.slice(0, 1) : machines;
  return doorToMany(machines, {
    paired: known.map(({ paired }) => paired.machineId),
    bad: [...(name === "badhead" ? [MACHINE.machineId] : []), ...(second === "badhead" ? [SECOND.machineId] : [])],
  });
}

/** What walks do to the machine from outside of the page. */
function handle(machine: MockMachine): Record<string, (...given: string[]) => unknown> {
  return {
    /** Two requests of one session at the same moment; gives their ids. */
    askTwice: () =>
      ["make release", "make clean"].map((command) => {
        const asked = approval(
          uuid7(),
          SESSION.working,
          { kind: "command", command, cwd: "/home/ada/src/infra", tool: "bash", input: "{}" },
          { projectId: machine.state.projects[2]?.projectId ?? "", requestedAt: new Date().toISOString() },
        );
        machine.showApproval(asked);
        return asked.approvalId;
      }),
    /** The decisions that came: which approval, by which id. */
    decided: () =>
      machine.requests.flatMap(({ type, payload }) => {
        if (type !== "agent_prompt_response") return [];
        const { approvalId, decisionId, scope } = payload as { approvalId: string; decisionId: string; scope: string };
        return [{ approvalId, decisionId, scope }];
      }),
    /** What was asked about notifications, in its order; and each time that the device said whether somebody looks. */
    pushes: () => machine.requests.filter(({ type }) => type.startsWith("push_")),
    presence: () =>
      machine.requests.flatMap(({ type, payload }) => (type === "presence" ? [(payload as { visible: boolean }).visible] : [])),
    /** Commands that only read; gives their ids. */
    askReads: (...commands) =>
      commands.map((command) => {
        const asked = approval(
          uuid7(),
          SESSION.working,
          { kind: "command", command, cwd: "/home/ada/src/infra", tool: "bash", input: "{}" },
          {
            projectId: machine.state.projects[2]?.projectId ?? "",
            requestedAt: new Date().toISOString(),
          },
        );
        machine.showApproval(asked);
        return asked.approvalId;
      }),
    /** A change of so many lines in one file, every tenth of them another; gives its id. */
    askEdit: (lines) => {
      const asked = approval(
        uuid7(),
        SESSION.working,
        { kind: "edit", path: "/home/ada/src/infra/rules.ts", creates: false, tool: "Edit", input: "{}", diff: longDiff(Number(lines)) },
        { projectId: machine.state.projects[2]?.projectId ?? "", requestedAt: new Date().toISOString() },
      );
      machine.showApproval(asked);
      return [asked.approvalId];
    },
    /** The network goes, and comes back: every connection ends, none comes about; then the browser says that there is one again. */
    offline: () => {
      machine.state.network = "never";
      machine.dropAll();
    },
    online: () => {
      machine.state.network = "good";
      dispatchEvent(new Event("online"));
    },
    /** A slow network: what the machine says is on its way until `release`. */
    hold: () => machine.hold(),
    release: () => machine.release(),
    /** The prompts that came, each time that one did. */
    prompts: () =>
      machine.requests.flatMap(({ type, payload }) =>
        type === "agent_message" ? [{ promptId: (payload as { promptId: string }).promptId }] : [],
      ),
    /** An answer in so many tokens, so many a second; resolves with its last one. */
    answer: async (agentSessionId, tokens, perSecond) => {
      const blockId = uuid7();
      let offset = 0;
      const began = performance.now();
      for (let n = 0; n < Number(tokens); n++) {
        const late = began + (n * 1000) / Number(perSecond) - performance.now();
        if (late > 0) await new Promise((resolve) => setTimeout(resolve, late));
        const said = n % 40 === 39 ? "**done**.\n\n- " : n % 9 === 8 ? "`code` " : "words ";
        machine.delta(agentSessionId ?? "", { turnId: null, blockId, kind: "text", offset, text: said });
        offset += said.length;
      }
    },
    /** So many events of a session at work, an answer's deltas among them; some at a time, as they come. */
    work: async (agentSessionId, events) => {
      const all = bigTranscript(Number(events));
      for (const [at, event] of all.entries()) {
        if (event.kind === "text")
          for (let offset = 0; offset < event.text.length; offset += 20)
            machine.delta(agentSessionId ?? "", {
              turnId: null,
              blockId: event.blockId,
              kind: "text",
              offset,
              text: event.text.slice(offset, offset + 20),
            });
        machine.emit(agentSessionId ?? "", event);
        if (at % 20 === 0) await new Promise((resolve) => setTimeout(resolve));
      }
    },
    /** Another device sets a provider's key. */
    setKey: (provider, setBy) => {
      const keys = machine.state.machine.keys.map((key) =>
        key.provider === provider ? { ...key, setAt: new Date().toISOString(), setBy: setBy ?? null } : key,
      );
      machine.state.machine = { ...machine.state.machine, keys };
      machine.change({ kind: "machine", machine: machine.state.machine });
    },
    /** Another device says no. */
    denyElsewhere: (approvalId) => {
      const asked = machine.state.approvals.find((item) => item.approvalId === approvalId);
      if (asked)
        machine.showApproval({
          ...asked,
          state: "denied",
          decision: {
            decisionId: uuid7(),
            verdict: "deny",
            scope: "once",
            reason: null,
            deviceId: "desk",
            by: "Firefox on Linux",
            at: new Date().toISOString(),
          },
        });
    },
  };
}

export function doorTo(machine: MockMachine, paired: PairedMachine | null = MACHINE, name = ""): Door {
  return doorToMany([{ machine, paired: paired ?? MACHINE }], {
    paired: paired ? [paired.machineId] : [],
    bad: name === "badhead" ? [MACHINE.machineId] : [],
  });
}

interface Reachable {
  readonly machine: MockMachine;
  readonly paired: PairedMachine;
}

/** A door to several machines. `paired`: those that this device knows already. `bad`: those whose ledger's signature is wrong. A link with a machine's id invites to it, any other to the first. */
export function doorToMany(
  machines: readonly Reachable[],
  { paired, bad = [] }: { paired: readonly string[]; bad?: readonly string[] },
): Door {
  const known = new Map(machines.filter((one) => paired.includes(one.paired.machineId)).map((one) => [one.paired.machineId, one.paired]));
  let preferred = paired[0] ?? null;
  const at = (machineId: string): MockMachine => {
    const found = machines.find((one) => one.paired.machineId === machineId);
    if (!found) throw new Error("no such machine");
    return found.machine;
  };
  return {
    machines: async () => [...known.values()].sort((a, b) => Number(b.machineId === preferred) - Number(a.machineId === preferred)),
    prefer: (machineId) => void (preferred = machineId),
    readInvite: async (link): Promise<Invite | null> => {
      const code = /pair=(\w{8,})/.exec(link)?.[1];
      const meant = machines.find((one) => one.paired.machineId === code) ?? machines[0];
      return code === undefined || !meant ? null : { machineId: meant.paired.machineId };
    },
    remember: async (remembered) => void known.set(remembered.machineId, remembered),
    forget: async (machineId) => void known.delete(machineId),
    signingKey: async () => "mock-device",
    signDecision: async ({ machineId }) => (machineId === MACHINE.machineId ? "mock-signature" : `mock-signature for ${machineId}`),
    signUndo: async () => "mock-signature",
    verifyHead: async (machine, head) => !bad.includes(machine.machineId) && head.signature !== "forged",
    sealLetter: async (_, text) => text,
    letterbox: () =>
      machines.some(({ machine }) => machine.state.letters === undefined)
        ? null
        : Promise.resolve({
            leave: async (machineId, id, _, letter) =>
              void at(machineId).state.letters?.set(id, JSON.parse(new TextDecoder().decode(letter)) as MockLetter),
            withdraw: async (id) => machines.some(({ machine }) => machine.state.letters?.delete(id)),
          }),
    openSocket: (machineId) => at(machineId).connect(),
    connect: () => new PlainTransport(),
    connectToPair: () => new PlainTransport(),
    connectAfterPairing: () => new PlainTransport(),
  };
}

/** Frames with the real kinds and no secrecy at all. */
export class PlainTransport implements SecureTransport {
  async begin(): Promise<Uint8Array> {
    return Uint8Array.of(1, 0);
  }

  async complete(): Promise<void> {
    return undefined;
  }

  async seal(message: Uint8Array): Promise<readonly Uint8Array[]> {
    return [frame(message)];
  }

  async open(sealed: Uint8Array): Promise<Uint8Array | null> {
    if (sealed[0] !== 3) throw new Error("not a sealed frame");
    return sealed.slice(1);
  }
}

export function frame(message: Uint8Array): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(message.length + 1);
  result[0] = 3;
  result.set(message, 1);
  return result;
}
