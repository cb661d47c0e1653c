import type { MachineStorage } from "../storage/database";

const WAIT_MS = 300;

/** Unsent text of composers, kept on this device by place (a session's id, "new"). Writes are gathered; `flush` writes now. */
export class Drafts {
  readonly #database: MachineStorage;
  readonly #waiting = new Map<string, { text: string; timer: ReturnType<typeof setTimeout> }>();

  constructor(database: MachineStorage) {
    this.#database = database;
  }

  async read(place: string): Promise<string> {
    return this.#waiting.get(place)?.text ?? (await this.#database.get<string>("values", key(place))) ?? "";
  }

  write(place: string, text: string): void {
    clearTimeout(this.#waiting.get(place)?.timer);
    this.#waiting.set(place, { text, timer: setTimeout(() => void this.#store(place), WAIT_MS) });
  }

  /** Before the page goes away. */
  async flush(): Promise<void> {
    await Promise.all([...this.#waiting.keys()].map((place) => this.#store(place)));
  }

  async #store(place: string): Promise<void> {
    const waiting = this.#waiting.get(place);
    if (!waiting) return;
    clearTimeout(waiting.timer);
    this.#waiting.delete(place);
    if (waiting.text === "") await this.#database.delete("values", key(place));
    else await this.#database.put("values", key(place), waiting.text);
  }
}

function key(place: string): string {
  return `draft/${place}`;
}
