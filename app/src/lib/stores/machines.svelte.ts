import { machineWords } from "../channel";
import type { Door, PairedMachine } from "../link/door";
import { placePath, router, type Route } from "../router/router.svelte";
import type { Database } from "../storage/database";
import { Workspace } from "./workspace.svelte";

/** Machines that this device connects to at once. */
export const MOST_MACHINES = 16;

/**
 * All machines that this device is paired with, each with a connection, an outbox and a storage of its own. One of them is current: the one that the address
 * names, else the one that the person was at last. It holds them; what crosses from one to another is only what is shown side by side.
 */
export class Machines {
  readonly #door: Door;
  readonly #app: string;
  readonly #open: (before: string | null) => Database;
  #database: Database | null = null;
  /** The machine of addresses that name none: the one that this page began with, so that the way back never leads to another one. */
  #plain = $state<string | null>(null);

  all = $state.raw<readonly Workspace[]>([]);
  /** Null: there is none, or the address names one that this device is not paired with. */
  readonly current = $derived(this.find(router.machineId ?? this.#plain ?? "") ?? null);
  /** There are several, so each thing shown names its machine. */
  readonly many = $derived(this.all.length > 1);
  readonly inboxCount = $derived(this.all.reduce((sum, workspace) => sum + workspace.inboxCount, 0));
  readonly byName = $derived([...this.all].sort((a, b) => a.name.localeCompare(b.name) || (a.machineId < b.machineId ? -1 : 1)));

  /** `open`: opens the app's database; it is told which machine was paired when there was only one. */
  constructor(door: Door, app: string, open: (before: string | null) => Database) {
    this.#door = door;
    this.#app = app;
    this.#open = open;
  }

  /** Reads which machines are paired and connects to each. `known` is called once they are there, unless there is none. */
  async start(known: () => void): Promise<void> {
    const paired = await this.#door.machines();
    const database = (this.#database ??= this.#open(paired[0]?.machineId ?? null));
    this.all = paired.map((machine) => new Workspace(this.#door, database, machine, this.#app));
    this.#plain = paired[0]?.machineId ?? null;
    this.#name();
    if (paired.length > 0) known();
    await Promise.all(this.all.map((workspace) => workspace.start()));
  }

  find(machineId: string): Workspace | undefined {
    return this.all.find((workspace) => workspace.machineId === machineId);
  }

  /** There is no room for this one. */
  full(machineId: string): boolean {
    return !this.find(machineId) && this.all.length >= MOST_MACHINES;
  }

  /** What a person knows the machine by; with words of its key where another bears the same name. */
  label(workspace: Workspace): string {
    const same = this.all.some((other) => other !== workspace && other.name.trim().toLowerCase() === workspace.name.trim().toLowerCase());
    return same ? `${workspace.name} (${machineWords(workspace.machineId)})` : workspace.name;
  }

  /** The address of a screen of a machine. */
  href(workspace: Workspace, route: Route): string {
    return workspace === this.current ? router.href(route) : placePath({ machineId: workspace.machineId, route });
  }

  /** To a screen of a machine, which is the current one from then on. */
  go(workspace: Workspace, route: Route): void {
    if (workspace === this.current) router.go(route);
    else this.#enter(workspace, route, false);
  }

  /** A machine was paired: it joins the others, or takes the place of its earlier pairing, and is current. */
  async take(machine: PairedMachine): Promise<void> {
    const earlier = this.find(machine.machineId);
    earlier?.stop();
    await earlier?.copy.clear();
    const database = (this.#database ??= this.#open(null));
    const workspace = new Workspace(this.#door, database, machine, this.#app);
    this.all = [...this.all.filter((other) => other !== earlier), workspace];
    this.#plain ??= workspace.machineId;
    this.#name();
    this.#enter(workspace, { name: "inbox", approvalId: null }, !this.many);
    await workspace.start();
  }

  /** Forgets a machine with everything that is kept for it, and nothing else. What waited to be sent to it is deleted. */
  async forget(workspace: Workspace): Promise<void> {
    const shown = workspace === this.current;
    workspace.stop();
    this.all = this.all.filter((other) => other !== workspace);
    const [next] = this.byName;
    if (!this.many || this.#plain === workspace.machineId) this.#plain = next?.machineId ?? null;
    if (!next) router.enter({ machineId: null, route: router.route }, true);
    else if (shown) this.#enter(next, { name: "inbox", approvalId: null }, true);
    await this.#door.forget(workspace.machineId);
    await workspace.erase();
  }

  wake(): void {
    for (const workspace of this.all) workspace.wake();
  }

  /** The page may go away: what is not written yet is written now. */
  keep(): void {
    for (const workspace of this.all) {
      void workspace.drafts.flush();
      void workspace.keep();
    }
  }

  #enter(workspace: Workspace, route: Route, replace: boolean): void {
    this.#door.prefer(workspace.machineId);
    router.enter({ machineId: this.many ? workspace.machineId : null, route }, replace);
  }

  /** Where there are several, the address names the one that is shown: a link or a reload leads to the same. */
  #name(): void {
    if (this.many && router.machineId === null && this.#plain !== null) router.enter({ machineId: this.#plain, route: router.route }, true);
  }
}
