import { DeviceHandshake, DeviceIdentity, indexedDbStore, KnownMachines } from "$lib/channel";
import { ChannelTransport } from "$lib/link/channel-transport";
import type { Door, PairedMachine } from "$lib/link/door";
// Without a page there is no first connection to take over: only what opens one is of use here.
import { account, openWithTicket } from "$lib/accounts";
import { forgetAccounts, openSocket } from "$lib/link/first-socket";
import { signDecision, verifyHead } from "$lib/link/signing";
import { toBase64Url } from "$lib/text/base64url";

/** What the worker needs of the way to one machine. The same keys as the page has, which come out of neither. */
export interface WorkerDoor extends Pick<Door, "signingKey" | "signDecision" | "verifyHead" | "openSocket" | "connect"> {
  readonly paired: PairedMachine;
}

/** Null: this device is not paired with such a machine. */
export async function workerDoor(machineId: string): Promise<WorkerDoor | null> {
  const store = indexedDbStore();
  const machine = await new KnownMachines(store).find(machineId);
  if (!machine) return null;
  const identity = await DeviceIdentity.loadOrCreate(store);
  return {
    paired: { machineId: machine.id, name: machine.name, signingKey: toBase64Url(machine.signingPublicKey) },
    signingKey: async () => toBase64Url(identity.signingPublicKey),
    signDecision: (fields) => signDecision(identity, fields),
    verifyHead: (paired, head) => verifyHead(paired, head),
    // A worker has no memory of its own of the kind that tells a page whether there are accounts; whether somebody signed in, it can look up.
    openSocket: async (id) =>
      (await account.name()) === null ? () => openSocket(id) : openWithTicket(account, id, { open: openSocket, forget: forgetAccounts }),
    connect: () => new ChannelTransport(() => DeviceHandshake.begin(identity, machine.publicKey)),
  };
}
