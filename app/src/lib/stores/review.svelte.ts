import type { ApprovalInfo } from "../protocol/generated";
import type { OwnDecision } from "./decisions";

type Own = (approvalId: string) => OwnDecision | null;

/** What a device that decided on it may still take back, and how. */
export type WayBack = "withdraw" | "undo" | "sent" | "running" | "over";

/** Still to be decided here: this device has not, or its decision was refused. */
function isOpen(approval: ApprovalInfo, own: Own): boolean {
  const mine = own(approval.approvalId);
  return approval.state === "pending" && (mine === null || mine.state === "refused");
}

/**
 * The walk through all that waits, one at a time. What is decided here keeps its place, so that the position counts up and one can look back; what is decided
 * elsewhere leaves; what newly arrives joins at the end. Not thread-safe: the page has one thread.
 */
export class Review {
  /** In the order of the walk. */
  ids = $state.raw<readonly string[]>([]);
  /** The one in view; null at the end. */
  current = $state<string | null>(null);
  /** What this device decided last during this walk, for taking it back. */
  last = $state<string | null>(null);
  /** How many left because somebody else decided them or their time was up. */
  gone = $state(0);
  #open: ReadonlySet<string> = new Set();
  #begun = false;

  /** Place of the one in view, from 1; 0 at the end. */
  readonly position = $derived(this.current === null ? 0 : this.ids.indexOf(this.current) + 1);

  /** Takes up how things stand now. `first`: where to begin, when it still waits. Gives whether another one came into view. */
  follow(pending: readonly ApprovalInfo[], own: Own, first: string | null = null): boolean {
    const open = new Set(pending.filter((approval) => isOpen(approval, own)).map((approval) => approval.approvalId));
    const decidedHere = (id: string): boolean => {
      const mine = own(id);
      return mine !== null && mine.state !== "refused";
    };
    const before = this.current;
    const kept = this.ids.filter((id) => open.has(id) || decidedHere(id));
    const known = new Set(kept);
    const place = before === null ? -1 : this.ids.indexOf(before);
    const rest = this.ids.slice(place + 1).filter((id) => open.has(id));
    const ids = [...kept, ...[...open].filter((id) => !known.has(id))];
    this.gone += this.ids.length - kept.length;
    const justDecided = before !== null && this.#open.has(before) && !open.has(before) && decidedHere(before);
    this.#open = open;
    this.ids = ids;
    if (!this.#begun) {
      this.current = first !== null && open.has(first) ? first : (ids[0] ?? null);
      this.#begun = true;
    } else if (before !== null && (justDecided || !ids.includes(before))) {
      if (justDecided) this.last = before;
      // What arrived at this very moment comes after the rest.
      this.current = rest[0] ?? ids.slice(kept.length)[0] ?? null;
    }
    return this.current !== before;
  }

  /** What still waits, wherever in the walk. */
  waiting(): readonly string[] {
    return this.ids.filter((id) => this.#open.has(id));
  }

  /** The one after the one in view that still waits: what is shown when this one is decided. */
  upcoming(): string | null {
    if (this.current === null) return null;
    return this.ids.slice(this.ids.indexOf(this.current) + 1).find((id) => this.#open.has(id)) ?? null;
  }

  /** Forwards past this one undecided, or back to the one before; from the end back to the last. Nothing before the first. */
  step(by: 1 | -1): void {
    const at = this.current === null ? this.ids.length : this.ids.indexOf(this.current);
    if (by < 0) this.current = this.ids[Math.max(0, at - 1)] ?? this.current;
    else this.current = this.ids[at + 1] ?? null;
  }

  /** To the first that still waits: those that were passed over, and what arrived meanwhile. */
  again(): void {
    this.current = this.waiting()[0] ?? null;
  }

  /** The decision on it was withdrawn: it waits again, and is in view. */
  returned(id: string): void {
    this.last = null;
    if (this.ids.includes(id)) this.current = id;
  }
}

/** What can become of a decision made here: withdrawn while it never left this device, undone when it ran and a snapshot holds what was; else why not. */
export function wayBack(approval: ApprovalInfo, own: OwnDecision | null): WayBack {
  if (approval.state === "pending") return own?.state === "saved" ? "withdraw" : "sent";
  if (approval.state === "finished" && approval.execution?.undoable) return "undo";
  return approval.state === "running" || approval.state === "allowed" ? "running" : "over";
}
