import { explain } from "$lib/text/words";

/** What a person just tried and, when it failed, why: for the line that a screen shows about it. */
export class Attempt {
  #problem = $state("");

  /** The last failure in words; empty when the last attempt worked or none was made. */
  get problem(): string {
    return this.#problem;
  }

  /** Does the work; a failure is told, not thrown. */
  async run(work: () => Promise<unknown>): Promise<void> {
    this.#problem = "";
    try {
      await work();
    } catch (error) {
      this.#problem = explain(error);
    }
  }
}
