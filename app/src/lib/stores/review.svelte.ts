import type { ApprovalInfo } from "../protocol/generated";
import { inboxOf, keyOf } from "./across";
import type { OwnDecision } from "./decisions";
import type { Workspace } from "./workspace.svelte";

/** What a device that decided on it may still take back, and how. */
export type WayBack = "withdraw" | "undo" | "sent" | "running" | "over";

/** An approval that waits on one of the machines. */
export interface Waiting {
  /** The machine and the approval (`keyOf`): two machines may say the same id. */
  readonly key: string;
  /** Still to be decided here: this device has not, or its decision was refused. */
  readonly open: boolean;
  /** Its machine is not connected: what is known of it may be over, so nothing is decided on it. */
  readonly away: boolean;
}

/** Of several machines this one is not connected. With one machine a decision waits for the connection on this device, as everything else does. */
export function isAway(machines: readonly Workspace[], one: Workspace): boolean {
  return machines.length > 1 && !one.online;
}

/** All that waits on all machines, in the order of the inbox. */
export function waitingOn(machines: readonly Workspace[]): readonly Waiting[] {
  const { others, reads } = inboxOf(machines);
  return [...others, ...reads].map(({ workspace, of: { approvalId } }) => ({
    key: keyOf(workspace, approvalId),
    open: !decided(workspace.ownDecision(approvalId)),
    away: isAway(machines, workspace),
  }));
}

/** The machine and the approval's id that a key stands for; null: no such machine is paired. */
export function ofKey(machines: readonly Workspace[], key: string): { readonly workspace: Workspace; readonly id: string } | null {
  const end = key.indexOf(" ");
  const workspace = machines.find((one) => one.machineId === key.slice(0, end));
  return workspace ? { workspace, id: key.slice(end + 1) } : null;
}

/** This device decided on what the key stands for, and was not refused. */
export function decidedHere(machines: readonly Workspace[], key: string): boolean {
  const of = ofKey(machines, key);
  return of !== null && decided(of.workspace.ownDecision(of.id));
}

function decided(own: OwnDecision | null): boolean {
  return own !== null && own.state !== "refused";
}

/**
 * The walk through all that waits, one at a time. What is decided here keeps its place, so that the position counts up and one can look back; what is decided
 * elsewhere leaves; what newly arrives joins at the end. What waits on a machine that is away keeps its place too: it can be looked at, and a decision leads past
 * it to the next one that can be decided. Not thread-safe: the page has one thread.
 */
export class Review {
  /** Keys, in the order of the walk. */
  ids = $state.raw<readonly string[]>([]);
  /** The one in view; null at the end. */
  current = $state<string | null>(null);
  /** What this device decided last during this walk, for taking it back. */
  last = $state<string | null>(null);
  /** How many left because somebody else decided them or their time was up. */
  gone = $state(0);
  /** The order stands. */
  begun = $state(false);
  #open: ReadonlySet<string> = new Set();
  #away: ReadonlySet<string> = new Set();

  /** Place of the one in view, from 1; 0 at the end. */
  readonly position = $derived(this.current === null ? 0 : this.ids.indexOf(this.current) + 1);

  /** Takes up how things stand now. `first`: where to begin, when it still waits. Gives whether another one came into view. */
  follow(waiting: readonly Waiting[], isDecided: (key: string) => boolean, first: string | null = null): boolean {
    const open = new Set(waiting.filter((one) => one.open).map((one) => one.key));
    const before = this.current;
    const kept = this.ids.filter((id) => open.has(id) || isDecided(id));
    const known = new Set(kept);
    const place = before === null ? -1 : this.ids.indexOf(before);
    const rest = this.ids.slice(place + 1);
    const ids = [...kept, ...[...open].filter((id) => !known.has(id))];
    this.gone += this.ids.length - kept.length;
    const justDecided = before !== null && this.#open.has(before) && !open.has(before) && isDecided(before);
    this.#open = open;
    this.#away = new Set(waiting.filter((one) => one.away).map((one) => one.key));
    this.ids = ids;
    if (!this.begun) {
      this.current = first !== null && open.has(first) ? first : (this.#next(ids) ?? ids[0] ?? null);
      this.begun = true;
    } else if (before !== null && (justDecided || !known.has(before))) {
      if (justDecided) this.last = before;
      // What arrived at this very moment comes after the rest.
      this.current = this.#next([...rest, ...ids.slice(kept.length)]);
    }
    return this.current !== before;
  }

  /** What still waits, wherever in the walk. */
  waiting(): readonly string[] {
    return this.ids.filter((id) => this.#open.has(id));
  }

  /** Of what still waits, what can be decided now. */
  decidable(): readonly string[] {
    return this.waiting().filter((id) => !this.isAway(id));
  }

  /** It waits on a machine that is not connected. */
  isAway(id: string): boolean {
    return this.#away.has(id);
  }

  /** The one after the one in view that can be decided: what is shown when this one is. */
  upcoming(): string | null {
    if (this.current === null) return null;
    return this.#next(this.ids.slice(this.ids.indexOf(this.current) + 1));
  }

  /** Forwards past this one undecided, or back to the one before; from the end back to the last. Nothing before the first. */
  step(by: 1 | -1): void {
    const at = this.current === null ? this.ids.length : this.ids.indexOf(this.current);
    if (by < 0) this.current = this.ids[Math.max(0, at - 1)] ?? this.current;
    else this.current = this.ids[at + 1] ?? null;
  }

  /** To the first that can be decided: those that were passed over, and what arrived or came back meanwhile. */
  again(): void {
    this.current = this.#next(this.ids);
  }

  /** The decision on it was withdrawn: it waits again, and is in view. */
  returned(id: string): void {
    this.last = null;
    if (this.ids.includes(id)) this.current = id;
  }

  #next(ids: readonly string[]): string | null {
    return ids.find((id) => this.#open.has(id) && !this.isAway(id)) ?? null;
  }
}

/** What can become of a decision made here: withdrawn while it never left this device, undone when it ran and a snapshot holds what was; else why not. */
export function wayBack(approval: ApprovalInfo, own: OwnDecision | null): WayBack {
  if (approval.state === "pending") return own?.state === "saved" ? "withdraw" : "sent";
  if (approval.state === "finished" && approval.execution?.undoable) return "undo";
  return approval.state === "running" || approval.state === "allowed" ? "running" : "over";
}
