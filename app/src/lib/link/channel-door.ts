import {
  type DeviceChannel,
  DeviceHandshake,
  DeviceIdentity,
  indexedDbStore,
  KnownMachines,
  type KnownMachine,
  parsePairingPayload,
  type PairingLink,
  verify,
} from "../channel";
import type { DecisionFields, Door, Invite, PairedMachine, UndoFields } from "./door";
import type { LedgerHead } from "../protocol/generated";
import { openSocket, preferredMachine, rememberForFirstSocket, takeFirstSocket } from "./first-socket";
import type { SecureTransport, Socket } from "./transport";

const DECISION = "pocketcoder-decision-v2";
const UNDO = "pocketcoder-undo-v1";
const HEAD = "pocketcoder-ledger-head-v1";

interface ChannelInvite extends Invite {
  readonly link: PairingLink;
}

/** The real door: keys in this browser's IndexedDB, WebCrypto, a WebSocket to the origin that served the page. */
export async function channelDoor(): Promise<Door> {
  const store = indexedDbStore();
  const identity = await DeviceIdentity.loadOrCreate(store);
  const machines = new KnownMachines(store);
  const known = new Map<string, KnownMachine>((await machines.all()).map((machine) => [machine.id, machine]));
  const hinted = preferredMachine();
  const first = hinted !== null && known.has(hinted) ? hinted : ([...known.keys()][0] ?? null);
  // The first connection is on its way since the page's first script, or else begins before the app is drawn.
  let early = takeFirstSocket();
  if (early?.machineId !== first) {
    early?.socket.close();
    early = first === null ? null : { machineId: first, socket: openSocket(first) };
  }
  rememberForFirstSocket(first);

  const machineKey = (machineId: string): Uint8Array => {
    const machine = known.get(machineId);
    if (!machine) throw new Error("this machine is not paired");
    return machine.publicKey;
  };

  return {
    machines: async () => {
      const last = preferredMachine() ?? first;
      return [...known.values()].sort((a, b) => Number(b.id === last) - Number(a.id === last)).map(describe);
    },
    prefer: rememberForFirstSocket,
    readInvite: async (text) => {
      const payload = /#pair=([\w-]+)\s*$/.exec(text)?.[1] ?? (/^[\w-]+$/.test(text.trim()) ? text.trim() : null);
      if (payload === null) return null;
      try {
        const link = await parsePairingPayload(payload);
        const invite: ChannelInvite = { machineId: link.machineId, link };
        return invite;
      } catch {
        return null; // the pairing screen says that the link is not whole
      }
    },
    remember: async (machine, invite) => {
      if (!invite) return;
      const { link } = invite as ChannelInvite;
      // A machine is pinned by its static key. The same key pairing anew may bring a new signing key: that is what pairing is for.
      await machines.forget(link.machineId);
      const remembered = await machines.remember({
        publicKey: link.machinePublicKey,
        signingPublicKey: fromBase64Url(machine.signingKey),
        name: machine.name,
      });
      known.set(remembered.id, remembered);
    },
    forget: async (machineId) => {
      await machines.forget(machineId);
      known.delete(machineId);
      if (preferredMachine() === machineId) rememberForFirstSocket(null);
    },
    signingKey: async () => toBase64Url(identity.signingPublicKey),
    signDecision: async (fields) => toBase64Url(await identity.sign(DECISION, ...(await decisionText(fields)))),
    signUndo: async (fields) => toBase64Url(await identity.sign(UNDO, ...undoText(fields))),
    verifyHead: async (machine, head) => {
      const signature = tryFromBase64Url(head.signature);
      return signature !== null && verify(fromBase64Url(machine.signingKey), signature, HEAD, ...headText(machine.machineId, head));
    },
    openSocket: (machineId) => {
      if (early?.machineId !== machineId) return openSocket(machineId);
      const { socket } = early;
      early = null;
      if (socket.readyState <= WebSocket.OPEN) return announced(socket);
      socket.close();
      return openSocket(machineId);
    },
    connect: (machineId) => new ChannelTransport(() => DeviceHandshake.begin(identity, machineKey(machineId))),
    connectToPair: (invite) => new ChannelTransport(() => DeviceHandshake.beginPairing(identity, (invite as ChannelInvite).link)),
    connectAfterPairing: (invite) =>
      new ChannelTransport(() => DeviceHandshake.begin(identity, (invite as ChannelInvite).link.machinePublicKey)),
  };
}

/** The channel's handshake and transport phases as the one thing the link works with. */
class ChannelTransport implements SecureTransport {
  readonly #begin: () => Promise<DeviceHandshake>;
  #handshake: DeviceHandshake | null = null;
  #channel: DeviceChannel | null = null;

  constructor(begin: () => Promise<DeviceHandshake>) {
    this.#begin = begin;
  }

  async begin(): Promise<Uint8Array> {
    this.#handshake = await this.#begin();
    return this.#handshake.firstFrame;
  }

  async complete(frame: Uint8Array): Promise<void> {
    if (!this.#handshake) throw new Error("the handshake has not begun");
    this.#channel = await this.#handshake.complete(frame);
    this.#handshake = null;
  }

  seal(message: Uint8Array): Promise<readonly Uint8Array[]> {
    return this.#ready().seal(message);
  }

  open(frame: Uint8Array): Promise<Uint8Array | null> {
    return this.#ready().open(frame);
  }

  #ready(): DeviceChannel {
    if (!this.#channel) throw new Error("the handshake is not complete");
    return this.#channel;
  }
}

/** A socket that may have opened before anybody listened: then its listener hears of it as soon as it is there. */
function announced(socket: WebSocket): Socket {
  if (socket.readyState === WebSocket.OPEN) queueMicrotask(() => socket.onopen?.(new Event("open")));
  return socket;
}

function describe(machine: KnownMachine): PairedMachine {
  return { machineId: machine.id, name: machine.name, signingKey: toBase64Url(machine.signingPublicKey) };
}

/** The fields of a decision's signature in their order; texts that may hold line ends go in as hashes. */
export async function decisionText(fields: DecisionFields): Promise<string[]> {
  const { machineId, approvalId, decisionId, digest, verdict, scope, reason, answers, interrupt } = fields;
  return [machineId, approvalId, decisionId, digest, verdict, scope, await sha256(reason), await sha256(answers), String(interrupt)];
}

/** The fields of an undo's signature in their order. */
export function undoText(fields: UndoFields): string[] {
  const { machineId, undoId, kind, targetId, digest, force } = fields;
  return [machineId, undoId, kind, targetId, digest, String(force)];
}

export function headText(machineId: string, head: LedgerHead): string[] {
  return [machineId, head.epoch, String(head.seq), head.hash];
}

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function toBase64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=+$/, "");
}

export function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (char) => char.charCodeAt(0));
}

function tryFromBase64Url(text: string): Uint8Array<ArrayBuffer> | null {
  try {
    return fromBase64Url(text);
  } catch {
    return null; // not base64url: no signature
  }
}
