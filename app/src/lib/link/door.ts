import type { LedgerHead } from "../protocol/generated";
import type { SecureTransport, Socket } from "./transport";

/** A machine this device is paired with. */
export interface PairedMachine {
  readonly machineId: string;
  readonly name: string;
  /** base64url of the key that verifies ledger heads. */
  readonly signingKey: string;
}

/** What a pairing link carries, checked. */
export interface Invite {
  readonly machineId: string;
}

export interface DecisionFields {
  readonly machineId: string;
  readonly approvalId: string;
  readonly decisionId: string;
  readonly digest: string;
  readonly verdict: string;
  readonly scope: string;
  readonly reason: string;
  readonly answers: string;
  /** With a denial: also end the turn. */
  readonly interrupt: boolean;
}

export interface UndoFields {
  readonly machineId: string;
  readonly undoId: string;
  readonly kind: string;
  readonly targetId: string;
  readonly digest: string;
  readonly force: boolean;
}

/** Where letters for a machine are left, at the gateway. */
export interface Letterbox {
  /** The same once more changes nothing. */
  leave(machineId: string, id: string, endsAt: number, letter: Uint8Array): Promise<void>;
  /** False: the machine has it, or it has ended. */
  withdraw(id: string): Promise<boolean>;
}

/**
 * Everything cryptographic, and the socket, behind one door: the real one is `channelDoor`, the development machine brings its own. Private
 * keys never come out of it.
 */
export interface Door {
  /** All that this device is paired with, the one that it was at last first; none before pairing. */
  machines(): Promise<readonly PairedMachine[]>;
  /** The machine that a new page begins with; null: none. */
  prefer(machineId: string | null): void;
  /** Null when the text is no pairing link. */
  readInvite(link: string): Promise<Invite | null>;
  /** Adds a machine to the others, or renews its pairing. */
  remember(machine: PairedMachine, invite: Invite | null): Promise<void>;
  forget(machineId: string): Promise<void>;
  /** The public half of this device's signing key, base64url. */
  signingKey(): Promise<string>;
  signDecision(fields: DecisionFields): Promise<string>;
  signUndo(fields: UndoFields): Promise<string>;
  verifyHead(machine: PairedMachine, head: LedgerHead): Promise<boolean>;
  /** Seals what is left for a machine that is away. */
  sealLetter(machineId: string, text: Uint8Array<ArrayBuffer>): Promise<Uint8Array>;
  /** Where it is left; null: this gateway has no accounts, and keeps nothing. */
  letterbox(): Promise<Letterbox> | null;
  /** Where a ticket has to be asked for first, a promise of what opens it; it may end with a TurnedAway. */
  openSocket(machineId: string): Socket | Promise<() => Socket>;
  connect(machineId: string): SecureTransport;
  connectToPair(invite: Invite): SecureTransport;
  /** For a machine that may have accepted a pairing whose answer got lost. */
  connectAfterPairing(invite: Invite): SecureTransport;
}
