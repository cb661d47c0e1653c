import type { Door, Invite } from "../link/door";
import { pair, type PairResult } from "../link/pair";
import { Database } from "../storage/database";
import { clock } from "./clock.svelte";
import { Workspace } from "./workspace.svelte";

export const APP = `app/${__APP_VERSION__}`;

/** The whole app's state: paired or not, and the workspace when it is. */
export class App {
  readonly #door: Door;
  readonly #database: Database;

  phase = $state<"starting" | "pairing" | "ready" | "broken">("starting");
  workspace = $state.raw<Workspace | null>(null);
  /** A pairing link that was opened and waits for the person's word. */
  invite = $state.raw<Invite | null>(null);
  inviteProblem = $state(false);
  /** Why the app could not start (storage forbidden, say). */
  problem = $state("");

  constructor(door: Door, database: Database = new Database()) {
    this.#door = door;
    this.#database = database;
  }

  /** `link`: the address's pairing link, when it had one. */
  async start(link: string | null): Promise<void> {
    clock.start();
    try {
      if (link !== null) await this.readInvite(link);
      const machine = await this.#door.machine();
      if (machine) await this.#enter(new Workspace(this.#door, this.#database, machine, APP));
      if (!machine || this.invite || this.inviteProblem) this.phase = "pairing";
    } catch (error) {
      this.problem = error instanceof Error ? error.message : String(error);
      this.phase = "broken";
    }
  }

  async readInvite(link: string): Promise<void> {
    this.invite = await this.#door.readInvite(link);
    this.inviteProblem = this.invite === null;
  }

  /** A pairing link that was opened while the app ran. */
  async openLink(link: string): Promise<void> {
    await this.readInvite(link);
    this.phase = "pairing";
  }

  dropInvite(): void {
    this.invite = null;
    this.inviteProblem = false;
    if (this.workspace) this.phase = "ready";
  }

  async confirmPairing(deviceName: string): Promise<PairResult> {
    const invite = this.invite;
    if (!invite) throw new Error("there is no pairing link to confirm");
    const result = await pair(this.#door, invite, deviceName, APP);
    if (result.kind === "paired") {
      const before = this.workspace?.paired.machineId;
      if (before !== undefined && before !== result.machine.machineId) await this.#dropNotifications(before);
      this.workspace?.stop();
      await this.workspace?.copy.clear();
      this.invite = null;
      await this.#enter(new Workspace(this.#door, this.#database, result.machine, APP));
    }
    return result;
  }

  /** Forgets the machine on this device. What waited to be sent is deleted with it. */
  async forget(): Promise<void> {
    const workspace = this.workspace;
    if (!workspace) return;
    workspace.stop();
    this.workspace = null;
    this.phase = "pairing";
    await this.#door.forget(workspace.paired.machineId);
    await workspace.copy.clear();
    await this.#database.clear("outbox");
    await this.#database.clear("files");
    await this.#database.clear("values");
    await this.#dropNotifications(workspace.paired.machineId);
    await (await import("../share/shared")).dropShared();
  }

  pageVisible(visible: boolean): void {
    if (visible) {
      clock.start();
      this.workspace?.wake();
    } else {
      clock.stop();
      void this.workspace?.drafts.flush();
      void this.workspace?.keep();
    }
  }

  /** Nothing more is shown of a machine that is forgotten. Where that fails, the push service is told by the browser sooner or later. */
  async #dropNotifications(machineId: string): Promise<void> {
    await import("../push/attend.svelte").then(({ dropNotifications }) => dropNotifications(machineId)).catch(() => undefined);
  }

  async #enter(workspace: Workspace): Promise<void> {
    this.workspace = workspace;
    this.phase = "ready";
    // Keys, drafts and the outbox live in this browser's storage: ask it not to clear them when space gets short.
    void navigator.storage?.persist?.().catch(() => false);
    await workspace.start();
  }
}
