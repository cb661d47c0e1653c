import { tell } from "./tell";

/** Something that the machine is asked for, and asked for again. Only the last question's answer counts; an earlier answer stays in view until then. */
export class Reading<T> {
  readonly #ask: () => Promise<T>;
  #asked = 0;

  value = $state.raw<T | null>(null);
  problem = $state("");

  constructor(ask: () => Promise<T>) {
    this.#ask = ask;
  }

  async read(): Promise<void> {
    const asked = ++this.#asked;
    try {
      const value = await this.#ask();
      if (asked !== this.#asked) return;
      this.value = value;
      this.problem = "";
    } catch (error) {
      if (asked === this.#asked) this.problem = tell(error);
    }
  }
}
