/** A component in a chunk of its own, so that the first load is without it: fetched once, when it is first wanted or `want` is called before. */
export class Later<C> {
  readonly #load: () => Promise<{ readonly default: C }>;
  #coming: Promise<void> | null = null;

  /** The component, once it is here; it stays, so showing it again never flickers. */
  now = $state.raw<C | null>(null);
  /** It could not be had, most likely because there is no network. */
  failed = $state(false);

  constructor(load: () => Promise<{ readonly default: C }>) {
    this.#load = load;
  }

  want(): Promise<void> {
    this.#coming ??= this.#run();
    return this.#coming;
  }

  async #run(): Promise<void> {
    this.failed = false;
    try {
      this.now = (await this.#load()).default;
    } catch {
      this.#coming = null; // the next who wants it tries again
      this.failed = true;
    }
  }
}
