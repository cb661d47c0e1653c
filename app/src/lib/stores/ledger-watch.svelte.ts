import { RequestError } from "../client/errors";
import { type AskHead, type LedgerAlarm, LedgerMemory } from "../ledger/memory";
import type { LedgerHead } from "../protocol/generated";
import type { MachineStorage } from "../storage/database";

/** Compares each head that the machine shows with what this device remembers, one after the other, and raises the alarm where they don't agree. */
export class LedgerWatch {
  readonly #memory: LedgerMemory;
  readonly #verify: (head: LedgerHead) => Promise<boolean>;
  readonly #ask: AskHead;
  #work: Promise<void> = Promise.resolve();

  alarm = $state.raw<LedgerAlarm | null>(null);
  head = $state.raw<LedgerHead | null>(null);

  /** @param verify Whether the machine's key signed it. */
  constructor(storage: MachineStorage, verify: (head: LedgerHead) => Promise<boolean>, ask: AskHead) {
    this.#memory = new LedgerMemory(storage);
    this.#verify = verify;
    this.#ask = ask;
  }

  /** The machine showed it at the beginning of a connection. */
  greeted(head: LedgerHead): void {
    this.#next(async () => {
      const result = await this.#memory.check(head, this.#verify, this.#ask);
      this.head = head;
      if ("shown" in result) this.alarm = result;
    });
  }

  /** A row was added. */
  moved(head: LedgerHead): void {
    this.#next(async () => {
      if (this.alarm) return; // nothing is remembered on top of a ledger that failed its check
      this.alarm = await this.#memory.advance(head, this.#verify);
      this.head = head;
    });
  }

  /** The person looked into the alarm and goes on with the machine's present ledger. */
  async accept(): Promise<void> {
    const alarm = this.alarm;
    if (!alarm || alarm.kind === "bad_signature") return;
    await this.#memory.accept(this.head ?? alarm.shown);
    this.alarm = null;
  }

  #next(step: () => Promise<void>): void {
    this.#work = this.#work.then(step).catch((error: unknown) => {
      // The connection went while checking: the next one checks again. Anything else is a bug worth a trace.
      if (!(error instanceof RequestError)) console.error(error);
    });
  }
}
