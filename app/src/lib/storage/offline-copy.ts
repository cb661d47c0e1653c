import type { MachineStorage } from "./database";

/** Conversations kept; the one that was saved the longest ago goes first. */
const MAX_SESSIONS = 30;
/** Characters of one entry's JSON. What is larger is not kept. */
export const MAX_ENTRY = 1_000_000;

const KEY = "key";
const INDEX = "index";
const OFF = "offline/off";
const encoder = new TextEncoder();
const decoder = new TextDecoder();

interface Sealed {
  readonly iv: Uint8Array<ArrayBuffer>;
  readonly data: ArrayBuffer;
}

/** Something kept, with the time at which the machine said so. */
export interface Kept<T> {
  readonly at: number;
  readonly value: T;
}

/**
 * What was read from the machine, kept for reading while it can't be reached: never decided on, never sent anywhere. Each entry is encrypted (AES-256-GCM) under a
 * key that scripts can't take out, and bound to its machine and its name: an entry that was changed, moved or belongs to another machine is none. Writes come one
 * after the other; after `clear` nothing more is written.
 */
export class OfflineCopy {
  readonly #database: MachineStorage;
  readonly #machineId: string;
  #work: Promise<unknown> = Promise.resolve();
  #closed = false;
  #off: boolean | null = null;

  constructor(database: MachineStorage, machineId: string) {
    this.#database = database;
    this.#machineId = machineId;
  }

  /** What is kept under that name; null when nothing is, or nothing that can be trusted. */
  async read<T>(name: string): Promise<Kept<T> | null> {
    try {
      const sealed = await this.#database.get<Sealed>("copy", name);
      const key = sealed ? await this.#database.get<CryptoKey>("copy", KEY) : undefined;
      if (!sealed || !key || this.#closed) return null;
      const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv: sealed.iv, additionalData: this.#bound(name) }, key, sealed.data);
      return JSON.parse(decoder.decode(plain)) as Kept<T>;
    } catch {
      return null; // of another machine, or damaged: the machine tells it again
    }
  }

  /** Keeps the machine's lists. */
  keepState(value: unknown): Promise<void> {
    return this.#next(() => this.#write("state", value));
  }

  /** Keeps the end of a conversation. */
  keepSession(agentSessionId: string, value: unknown): Promise<void> {
    return this.#next(async () => {
      const name = `session/${agentSessionId}`;
      if (!(await this.#write(name, value))) return;
      const known = ((await this.read<string[]>(INDEX))?.value ?? []).filter((other) => other !== name);
      const names = [name, ...known];
      for (const old of names.slice(MAX_SESSIONS)) await this.#database.delete("copy", old);
      await this.#write(INDEX, names.slice(0, MAX_SESSIONS));
    });
  }

  /** A session that is gone from the machine is gone here too. */
  dropSession(agentSessionId: string): Promise<void> {
    return this.#next(() => this.#database.delete("copy", `session/${agentSessionId}`));
  }

  /** Of all sessions these are on the machine: others that are kept go. */
  keepSessions(agentSessionIds: readonly string[]): Promise<void> {
    return this.#next(async () => {
      const known = (await this.read<string[]>(INDEX))?.value ?? [];
      const there = new Set(agentSessionIds.map((id) => `session/${id}`));
      const gone = known.filter((name) => !there.has(name));
      for (const name of gone) await this.#database.delete("copy", name);
      if (gone.length > 0)
        await this.#write(
          INDEX,
          known.filter((name) => there.has(name)),
        );
    });
  }

  /** Whether the person wants a copy on this device. */
  async wanted(): Promise<boolean> {
    this.#off ??= (await this.#database.get<boolean>("values", OFF)) === true;
    return !this.#off;
  }

  /** Switched off: what is kept is deleted, and nothing more is kept, by any tab. It is done when this resolves, and not by half before. */
  async want(on: boolean): Promise<void> {
    this.#off = !on;
    if (on) await this.#database.put("values", OFF, false);
    else await this.#database.setAndClear(OFF, "copy");
  }

  /** Deletes everything with its key, and keeps nothing from now on: the machine is forgotten, or this device was revoked. */
  async clear(): Promise<void> {
    this.#closed = true;
    await this.#work.catch(() => undefined); // a write that was under way fails alone; it must not come after this
    await this.#wipe();
  }

  #wipe(): Promise<void> {
    return this.#database.clear("copy");
  }

  /** A full disk or a closing page costs the copy, nothing else. */
  #next(work: () => Promise<unknown>): Promise<void> {
    const done = this.#work.then(async () => {
      if (this.#closed) return;
      try {
        await work();
      } catch (error) {
        console.warn("the copy for reading offline was not written", error);
      }
    });
    this.#work = done;
    return done;
  }

  async #write(name: string, value: unknown): Promise<boolean> {
    if (!(await this.wanted())) return false;
    const text = JSON.stringify({ at: Date.now(), value });
    if (text.length > MAX_ENTRY) return false;
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const data = await crypto.subtle.encrypt(
      { name: "AES-GCM", iv, additionalData: this.#bound(name) },
      await this.#sealing(),
      encoder.encode(text),
    );
    if (this.#closed) return false;
    return this.#database.putUnless(OFF, "copy", name, { iv, data } satisfies Sealed);
  }

  #bound(name: string): Uint8Array<ArrayBuffer> {
    return encoder.encode(`pocketcoder-offline-copy-v1\n${this.#machineId}\n${name}`);
  }

  /** Read each time: another tab may have made it, or taken it away with everything else. */
  async #sealing(): Promise<CryptoKey> {
    const known = await this.#database.get<CryptoKey>("copy", KEY);
    if (known) return known;
    const made = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
    await this.#database.putUnless(OFF, "copy", KEY, made);
    return made;
  }
}
