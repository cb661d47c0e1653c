import type { SessionInfo } from "../protocol/generated";

/** What the list shows: `label` is followed by the label itself. */
export type Filter = "all" | "unread" | "pinned" | "snoozed" | "archived" | `label ${string}`;

export interface Group {
  readonly kind: "needsYou" | "working" | "done" | "snoozed" | "archived";
  readonly sessions: readonly SessionInfo[];
}

/** A machine of before, or a copy that was kept before, has none. */
export function labelsOf(session: SessionInfo): readonly string[] {
  return (session.labels as readonly string[] | undefined) ?? [];
}

/** A person does not want to see it yet. Times in milliseconds of the machine's clock. */
export function snoozed(session: SessionInfo, now: number): boolean {
  return session.snoozedUntil != null && Date.parse(session.snoozedUntil) > now;
}

/** When the next of them comes back, or null. */
export function nextReturn(sessions: Iterable<SessionInfo>, now: number): number | null {
  let next: number | null = null;
  for (const { snoozedUntil } of sessions) {
    const until = snoozedUntil == null ? 0 : Date.parse(snoozedUntil);
    if (until > now && (next === null || until < next)) next = until;
  }
  return next;
}

/** Labels in use, in the order of the alphabet; one that differs only in its case is the same. */
export function labelsIn(sessions: Iterable<SessionInfo>): string[] {
  const known = new Map<string, string>();
  for (const session of sessions)
    for (const label of labelsOf(session)) if (!known.has(label.toLowerCase())) known.set(label.toLowerCase(), label);
  return [...known.values()].sort((a, b) => a.localeCompare(b));
}

export function shows(filter: Filter, session: SessionInfo, now: number): boolean {
  switch (filter) {
    case "all":
      return !session.archived && !snoozed(session, now);
    case "unread":
      return !session.archived && session.unread;
    case "pinned":
      return !session.archived && session.pinned;
    case "snoozed":
      return !session.archived && snoozed(session, now);
    case "archived":
      return session.archived;
    default: {
      const wanted = filter.slice("label ".length).toLowerCase();
      return !session.archived && labelsOf(session).some((label) => label.toLowerCase() === wanted);
    }
  }
}

/** What is shown, by what it means for the person; in each group the pinned ones first, then those that changed last. */
export function grouped(sessions: readonly SessionInfo[], now: number): Group[] {
  const order = [...sessions].sort(
    (a, b) => Number(b.pinned ?? false) - Number(a.pinned ?? false) || Date.parse(b.updatedAt) - Date.parse(a.updatedAt),
  );
  const groups: Record<Group["kind"], SessionInfo[]> = { needsYou: [], working: [], done: [], snoozed: [], archived: [] };
  for (const session of order) groups[kindOf(session, now)].push(session);
  return (Object.keys(groups) as Group["kind"][])
    .map((kind) => ({ kind, sessions: groups[kind] }))
    .filter((group) => group.sessions.length > 0);
}

function kindOf(session: SessionInfo, now: number): Group["kind"] {
  if (session.archived) return "archived";
  if (snoozed(session, now)) return "snoozed";
  return session.state === "needs_you" || session.state === "failed" ? "needsYou" : session.state === "working" ? "working" : "done";
}

/** Labels are a machine's own words, so what was chosen is kept by machine. */
const keyOf = (machineId: string): string => `pocketcoder-session-filter ${machineId}`;

/** The filter that this device showed last for the machine. */
export function keptFilter(machineId: string): Filter {
  const kept = localStorage.getItem(keyOf(machineId)) ?? "all";
  return ["all", "unread", "pinned", "snoozed", "archived"].includes(kept) || kept.startsWith("label ") ? (kept as Filter) : "all";
}

export function keepFilter(machineId: string, filter: Filter): void {
  if (filter === "all") localStorage.removeItem(keyOf(machineId));
  else localStorage.setItem(keyOf(machineId), filter);
}
