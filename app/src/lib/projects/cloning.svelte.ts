import { RequestError } from "../client/errors";
import { uuid7 } from "../ids/uuid7";
import type { CloneInfo, Requests } from "../protocol/generated";
import { whyNot } from "./cloning";

type Type = "project_clone" | "project_clone_get" | "project_clone_cancel";

/** The part of the client that is needed here. */
interface Asking {
  request<T extends Type>(type: T, payload: Requests[T]["request"]): Promise<Requests[T]["response"]>;
}

/** The clone that a screen shows: begun here, or found running. What the machine announces is given to `hear`. */
export class Cloning {
  /** Null: none is shown. */
  at = $state.raw<CloneInfo | null>(null);
  busy = $state(false);
  /** Why the last step was refused. */
  problem = $state("");
  /** Whether it was begun here: then its end leads on. */
  mine = $state(false);
  readonly #client: Asking;
  #attempt: { readonly what: string; readonly cloneId: string } | null = null;

  constructor(client: Asking) {
    this.#client = client;
  }

  get running(): boolean {
    return this.at?.state === "running";
  }

  /** The same again, after an answer that got lost, clones nothing twice. False: refused, and `problem` says why. */
  async begin(parent: string, name: string, address: string): Promise<boolean> {
    const what = JSON.stringify([parent, name, address]);
    if (this.#attempt?.what !== what) this.#attempt = { what, cloneId: uuid7() };
    const { cloneId } = this.#attempt;
    return this.#doing(async () => {
      try {
        const { cloning } = await this.#client.request("project_clone", { cloneId, parent, name, address });
        this.#attempt = null;
        this.mine = true;
        this.at = cloning;
      } catch (error) {
        if (!(error instanceof RequestError && error.transient)) this.#attempt = null; // settled: the next one is another
        throw error;
      }
    });
  }

  /** How the shown one stands, or which one runs: at first, and whenever the connection came back. */
  async look(): Promise<void> {
    const cloneId = this.at?.cloneId ?? null;
    if (this.at !== null && !this.running) return;
    try {
      const { cloning } = await this.#client.request("project_clone_get", { cloneId });
      if ((this.at?.cloneId ?? null) === cloneId) this.at = cloning;
    } catch {
      // the next connection looks again
    }
  }

  async cancel(): Promise<void> {
    const cloneId = this.at?.cloneId;
    if (cloneId === undefined) return;
    await this.#doing(async () => {
      this.at = (await this.#client.request("project_clone_cancel", { cloneId })).cloning;
    });
  }

  /** What the machine said of a clone: of the shown one, or of one that runs while none is shown. */
  hear(clone: CloneInfo): void {
    if (this.at === null ? clone.state !== "running" : this.at.cloneId !== clone.cloneId || !this.running) return;
    this.at = clone;
  }

  dismiss(): void {
    if (!this.running) this.at = null;
    this.mine = false;
    this.problem = "";
  }

  async #doing(work: () => Promise<void>): Promise<boolean> {
    this.busy = true;
    this.problem = "";
    try {
      await work();
      return true;
    } catch (error) {
      this.problem = whyNot(error);
      return false;
    } finally {
      this.busy = false;
    }
  }
}
