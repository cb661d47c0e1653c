import type { Door, Invite, PairedMachine } from "../link/door";
import { hasAccounts, rememberAccounts } from "../link/first-socket";
import type { PairResult } from "../link/pair";
import { Database } from "../storage/database";
import { clock } from "./clock.svelte";
import { Machines } from "./machines.svelte";
import type { Workspace } from "./workspace.svelte";

export const APP = `app/${__APP_VERSION__}`;

/** What became of a pairing. `full`: this device has as many machines as it takes, and nothing was asked of this one. */
export type Pairing = PairResult | { readonly kind: "full" };

/** What the account's screens were opened for: a link that welcomes somebody, a refusal of the gateway's; nothing: to look at it. */
export interface Errand {
  readonly link?: string;
  readonly code?: string;
}

/** The whole app's state: the machines, and what is being paired. */
export class App {
  readonly #door: Door;
  readonly machines: Machines;

  phase = $state<"starting" | "pairing" | "account" | "ready" | "broken">("starting");
  errand = $state.raw<Errand | null>(null);
  /** A pairing link that was opened and waits for the person's word. */
  invite = $state.raw<Invite | null>(null);
  inviteProblem = $state(false);
  /** Why the app could not start (storage forbidden, say). */
  problem = $state("");

  constructor(door: Door, open: (before: string | null) => Database = (before) => new Database(undefined, before)) {
    this.#door = door;
    this.machines = new Machines(door, APP, open);
  }

  /** The machine whose screens are shown. */
  get workspace(): Workspace | null {
    return this.machines.current;
  }

  /** `link`: the address's link to pair or to welcome somebody, when it had one. */
  async start(link: string | null): Promise<void> {
    clock.start();
    try {
      if (link !== null) await this.readInvite(link);
      await this.machines.start(() => this.#ready());
      this.#arrive();
    } catch (error) {
      this.problem = error instanceof Error ? error.message : String(error);
      this.phase = "broken";
    }
  }

  async readInvite(link: string): Promise<void> {
    // Typed in or pasted, too: an app on the home screen is never opened by a link.
    if (/\/(welcome|account(\/machine|\/signed-in\/[^?#]*)?)([?#]|$)/.test(link)) return this.openAccount({ link });
    this.invite = await this.#door.readInvite(link);
    this.inviteProblem = this.invite === null;
  }

  /** A pairing link that was opened while the app ran. */
  async openLink(link: string): Promise<void> {
    await this.readInvite(link);
    this.#arrive();
  }

  /** To the screens of the account. What was begun elsewhere stays as it is. */
  openAccount(errand: Errand): void {
    this.errand = errand;
    this.phase = "account";
  }

  /** Whether this gateway is known to have accounts. */
  get hasAccounts(): boolean {
    return hasAccounts();
  }

  /** Somebody signed in here, or out: other tabs hear of it, and what waits for it goes on. */
  accountChanged(): void {
    rememberAccounts();
    this.machines.wake();
  }

  /** Back to where it was; whoever signed in meanwhile is connected at once. */
  leaveAccount(): void {
    this.errand = null;
    this.#arrive();
    this.machines.wake();
  }

  /** To the screen where another machine is paired. */
  pairAnother(): void {
    this.phase = "pairing";
  }

  dropInvite(): void {
    this.invite = null;
    this.inviteProblem = false;
    if (this.machines.all.length > 0) this.phase = "ready";
  }

  async confirmPairing(deviceName: string): Promise<Pairing> {
    const invite = this.invite;
    if (!invite) throw new Error("there is no pairing link to confirm");
    if (this.machines.full(invite.machineId)) return { kind: "full" };
    const pairing = await import("../link/pair").catch(() => null); // null: there is no network
    if (!pairing) return { kind: "unreachable" };
    const result = await pairing.pair(this.#door, invite, deviceName, APP);
    if (result.kind === "refused" && result.refusal.code.startsWith("account:")) this.openAccount(result.refusal);
    if (result.kind === "paired") {
      this.invite = null;
      await this.#enter(result.machine);
    }
    return result;
  }

  /** Forgets a machine on this device. What waited to be sent to it is deleted with it. */
  async forget(workspace: Workspace): Promise<void> {
    if (this.machines.all.length === 1) this.phase = "pairing";
    await this.machines.forget(workspace);
    await this.#dropNotifications(workspace.machineId);
    // What another app shared is for any machine, so it goes with the last of them.
    if (this.machines.all.length === 0) await (await import("../share/shared")).dropShared();
  }

  pageVisible(visible: boolean): void {
    if (visible) {
      clock.start();
      this.machines.wake();
    } else {
      clock.stop();
      this.machines.keep();
    }
  }

  /** Nothing more is shown of a machine that is forgotten. Where that fails, the push service is told by the browser sooner or later. */
  async #dropNotifications(machineId: string): Promise<void> {
    await import("../push/attend.svelte").then(({ dropNotifications }) => dropNotifications(machineId)).catch(() => undefined);
  }

  async #enter(machine: PairedMachine): Promise<void> {
    const taken = this.machines.take(machine);
    this.#ready();
    await taken;
  }

  /** To what there is to do first. */
  #arrive(): void {
    this.phase = this.errand ? "account" : this.machines.all.length === 0 || this.invite || this.inviteProblem ? "pairing" : "ready";
  }

  #ready(): void {
    this.phase = this.errand ? "account" : "ready";
    // Keys, drafts and the outbox live in this browser's storage: ask it not to clear them when space gets short.
    void navigator.storage?.persist?.().catch(() => false);
  }
}
