import type { LedgerHead, LedgerHeadResponse } from "../protocol/generated";
import type { MachineStorage } from "../storage/database";

/** What became of comparing the machine's ledger with what this device remembers. Everything but `matches` and `first` is an alarm. */
export type HeadCheck =
  | { readonly kind: "first" | "matches" }
  | {
      readonly kind: "bad_signature" | "new_epoch" | "went_back" | "rewritten";
      readonly remembered: RememberedHead | null;
      readonly shown: LedgerHead;
    };

export type LedgerAlarm = Extract<HeadCheck, { shown: LedgerHead }>;

export interface RememberedHead {
  readonly epoch: string;
  readonly seq: number;
  readonly hash: string;
  /** The machine's own, so that the machine can't doubt it; missing in what an older version of the app remembered. */
  readonly signature?: string;
}

/** Asks for the hash at an earlier row, and tells the machine the head this device remembers: it compares too, and decides nothing more when its chain has it not. */
export type AskHead = (atSeq: number, remembered: LedgerHead | null) => Promise<LedgerHeadResponse>;

const KEY = "ledger-head";

/**
 * Remembers the highest ledger head this device has seen from a machine, and tells when the machine later shows a ledger that does
 * not contain it: an older copy, another ledger, or a rewritten one.
 */
export class LedgerMemory {
  readonly #database: MachineStorage;

  constructor(database: MachineStorage) {
    this.#database = database;
  }

  remembered(): Promise<RememberedHead | undefined> {
    return this.#database.get<RememberedHead>("values", KEY);
  }

  /** `verify` checks the head's signature with the machine's signing key. */
  async check(head: LedgerHead, verify: (head: LedgerHead) => Promise<boolean>, ask: AskHead): Promise<HeadCheck> {
    const remembered = (await this.remembered()) ?? null;
    if (!(await verify(head))) return { kind: "bad_signature", remembered, shown: head };
    if (!remembered) {
      await this.#remember(head);
      return { kind: "first" };
    }
    const { signature } = remembered;
    const asked = ask(remembered.seq, signature === undefined ? null : { ...remembered, signature });
    if (remembered.epoch !== head.epoch || head.seq < remembered.seq) {
      await asked.catch(() => null); // told as far as it could be; the alarm here does not depend on the answer
      return { kind: remembered.epoch !== head.epoch ? "new_epoch" : "went_back", remembered, shown: head };
    }
    const answer = await asked;
    if (answer.hashAt !== remembered.hash) return { kind: "rewritten", remembered, shown: answer.head };
    if (head.seq === remembered.seq && head.hash !== remembered.hash) return { kind: "rewritten", remembered, shown: head };
    await this.#remember(head);
    return { kind: "matches" };
  }

  /** A head that was pushed while connected: it follows on what was checked. An alarm, or null when all is well. */
  async advance(head: LedgerHead, verify: (head: LedgerHead) => Promise<boolean>): Promise<LedgerAlarm | null> {
    const remembered = (await this.remembered()) ?? null;
    if (!(await verify(head))) return { kind: "bad_signature", remembered, shown: head };
    if (remembered && remembered.epoch !== head.epoch) return { kind: "new_epoch", remembered, shown: head };
    // Pushes may overtake each other; only a higher one moves the memory.
    if (!remembered || head.seq > remembered.seq) await this.#remember(head);
    else if (head.seq === remembered.seq && head.hash !== remembered.hash) return { kind: "rewritten", remembered, shown: head };
    return null;
  }

  /** After a person has looked into an alarm and takes the machine's present ledger as the one to go on from. */
  async accept(head: LedgerHead): Promise<void> {
    await this.#remember(head);
  }

  #remember(head: LedgerHead): Promise<void> {
    const value: RememberedHead = { epoch: head.epoch, seq: head.seq, hash: head.hash, signature: head.signature };
    return this.#database.put("values", KEY, value);
  }
}
