import {
  DeviceHandshake,
  DeviceIdentity,
  indexedDbStore,
  KnownMachines,
  type KnownMachine,
  parsePairingPayload,
  type PairingLink,
} from "../channel";
import { ChannelTransport } from "./channel-transport";
import type { Door, Invite, PairedMachine } from "./door";
import { hasAccounts, openSocket, preferredMachine, rememberForFirstSocket, takeFirstSocket } from "./first-socket";
import { signDecision, signUndo, verifyHead } from "./signing";
import { fromBase64Url, toBase64Url } from "../text/base64url";
import type { Socket } from "./transport";

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
    early = first === null || hasAccounts() ? null : { machineId: first, socket: openSocket(first) };
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
    signDecision: (fields) => signDecision(identity, fields),
    signUndo: (fields) => signUndo(identity, fields),
    verifyHead: (machine, head) => verifyHead(machine, head),
    sealLetter: async (machineId, text) => (await import("../channel/letter")).sealLetter(identity, machineKey(machineId), text),
    letterbox: () => (hasAccounts() ? import("./ticketed").then((part) => part.letterbox) : null),
    openSocket: (machineId) => {
      if (hasAccounts()) return import("./ticketed").then((part) => part.ticketed(machineId));
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

/** A socket that may have opened before anybody listened: then its listener hears of it as soon as it is there. */
function announced(socket: WebSocket): Socket {
  if (socket.readyState === WebSocket.OPEN) queueMicrotask(() => socket.onopen?.(new Event("open")));
  return socket;
}

function describe(machine: KnownMachine): PairedMachine {
  return { machineId: machine.id, name: machine.name, signingKey: toBase64Url(machine.signingPublicKey) };
}
