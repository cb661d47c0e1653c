import type { Door, Invite, PairedMachine } from "$lib/link/door";
import type { SecureTransport } from "$lib/link/transport";
import { MockMachine } from "./mock-machine";
import { scenario } from "./scenarios";

const MACHINE: PairedMachine = { machineId: "3f9a1c27b5e04d8896aa10c2d7f4e51b", name: "atlas", signingKey: "mock" };

/** A door to a machine that lives in this page: no keys, no network, every state at will. Development and tests only. */
export async function mockDoor(search: string): Promise<Door> {
  const name = new URLSearchParams(search).get("mock") || "rich";
  return doorTo(new MockMachine(await scenario(name)), name === "unpaired" ? null : MACHINE, name);
}

export function doorTo(machine: MockMachine, paired: PairedMachine | null = MACHINE, name = ""): Door {
  let known = paired;
  return {
    machine: async () => known,
    readInvite: async (link): Promise<Invite | null> => (/pair=\w{8,}/.test(link) ? { machineId: MACHINE.machineId } : null),
    remember: async (remembered) => void (known = remembered),
    forget: async () => void (known = null),
    signingKey: async () => "mock-device",
    signDecision: async () => "mock-signature",
    signUndo: async () => "mock-signature",
    verifyHead: async (_, head) => name !== "badhead" && head.signature !== "forged",
    openSocket: () => machine.connect(),
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

