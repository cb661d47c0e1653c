import { SvelteSet } from "svelte/reactivity";

/** Which rows of a list are selected. */
export class Selection {
  readonly ids = new SvelteSet<string>();
  /** Where the last pick was: a range goes from there. */
  #anchor: string | null = null;

  /** Selects a row or takes it out; as a range it selects everything between the last pick and this one, in the order in which they are shown. */
  pick(id: string, range: boolean, shown: readonly string[]): void {
    const from = range && this.#anchor !== null ? shown.indexOf(this.#anchor) : -1;
    const to = shown.indexOf(id);
    if (from >= 0 && to >= 0) for (const one of shown.slice(Math.min(from, to), Math.max(from, to) + 1)) this.ids.add(one);
    else if (!this.ids.delete(id)) this.ids.add(id);
    this.#anchor = id;
  }

  /** Only what is still there stays selected. */
  keepOnly(shown: readonly string[]): void {
    const here = new Set(shown);
    for (const id of [...this.ids]) if (!here.has(id)) this.ids.delete(id);
  }

  clear(): void {
    this.ids.clear();
    this.#anchor = null;
  }
}
