import type { ApprovalInfo, SessionInfo } from "../protocol/generated";
import type { OutboxItem } from "../outbox/outbox";
import type { Route } from "../router/router.svelte";
import { needsHold, readsTogether } from "./decisions";
import { othersWaiting } from "./waiting";
import type { Workspace } from "./workspace.svelte";

/** Something of a machine, with the machine that it is of: ids alone are a machine's own word, and two machines may say the same. */
export interface Of<T> {
  readonly workspace: Workspace;
  readonly of: T;
}

/** What of one machine's is shown in an inbox over all of them. */
export interface Inbox {
  /** To be decided one by one, in the order in which it should be looked at. */
  readonly others: readonly Of<ApprovalInfo>[];
  /** What only reads, of machines where there are several. */
  readonly reads: readonly Of<ApprovalInfo>[];
  readonly unknowns: readonly Of<ApprovalInfo>[];
  readonly failures: readonly Of<SessionInfo>[];
  readonly refused: readonly Of<OutboxItem>[];
}

export function inboxOf(machines: readonly Workspace[]): Inbox {
  const others: Of<ApprovalInfo>[] = [];
  const reads: Of<ApprovalInfo>[] = [];
  for (const workspace of machines) {
    const together = readsTogether(workspace.pending, (id) => workspace.ownDecision(id));
    for (const of of workspace.pending) (together.includes(of) ? reads : others).push({ workspace, of });
  }
  return {
    others: others.sort(byUrgency),
    reads: reads.sort(byUrgency),
    unknowns: every(machines, (workspace) => workspace.unknowns).sort((a, b) => askedAt(a) - askedAt(b)),
    failures: every(machines, (workspace) => workspace.failures),
    refused: every(machines, (workspace) => workspace.refusedItems),
  };
}

/** As on one machine (what destroys first, then the oldest), by times of this device's clock. */
export function byUrgency(a: Of<ApprovalInfo>, b: Of<ApprovalInfo>): number {
  return Number(needsHold(b.of)) - Number(needsHold(a.of)) || askedAt(a) - askedAt(b);
}

/** What waits and is not in view, the next one first: those of the machine that is shown, then those of others. */
export function othersAcross(current: Workspace, machines: readonly Workspace[], route: Route): readonly Of<ApprovalInfo>[] {
  const here = othersWaiting(current.pending, (id) => current.ownDecision(id), route).map((of) => ({ workspace: current, of }));
  const elsewhere = every(
    machines.filter((workspace) => workspace !== current),
    (workspace) => undecided(workspace),
  );
  return [...here, ...elsewhere.sort(byUrgency)];
}

/** What waits on a machine and was not decided on this device. */
export function undecided(workspace: Workspace): readonly ApprovalInfo[] {
  return workspace.pending.filter(({ approvalId }) => (workspace.ownDecision(approvalId)?.state ?? "refused") === "refused");
}

/** For lists: no two machines' rows have the same. */
export function keyOf(workspace: Pick<Workspace, "machineId">, id: string): string {
  return `${workspace.machineId} ${id}`;
}

function every<T>(machines: readonly Workspace[], list: (workspace: Workspace) => readonly T[]): Of<T>[] {
  return machines.flatMap((workspace) => list(workspace).map((of) => ({ workspace, of })));
}

function askedAt({ workspace, of }: Of<ApprovalInfo>): number {
  return Date.parse(of.requestedAt) - workspace.clockOffset;
}
