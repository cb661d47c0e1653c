import type { Database } from "../storage/database";

/**
 * What page and worker tell each other of one machine's notifications, in the app's database: by the machine's id, since a device may know several. The worker has
 * no other memory, and no page when it is needed.
 */
export interface KeptPush {
  /** The endpoint that the machine was told: the person wants notifications here, and these are on when the browser still has just this one. */
  readonly endpoint: string;
}

/** The language of the page, which the worker can't ask. */
const LANGUAGE = "push-language";

export function keptPush(database: Database, machineId: string): Promise<KeptPush | undefined> {
  return database.get<KeptPush>("values", keyOf(machineId));
}

export function keepPush(database: Database, machineId: string, kept: KeptPush | null): Promise<void> {
  return kept === null ? database.delete("values", keyOf(machineId)) : database.put("values", keyOf(machineId), kept);
}

export async function keptLanguage(database: Database): Promise<string> {
  return (await database.get<string>("values", LANGUAGE)) ?? "en";
}

export function keepLanguage(database: Database, language: string): Promise<void> {
  return database.put("values", LANGUAGE, language);
}

/** Where the worker of a machine's notifications is registered: a browser gives one subscription to each registration, and each machine has a key of its own. */
export function scopeOf(machineId: string): string {
  return `/push/${machineId}/`;
}

/** The machine that a worker is for; null: for none. */
export function machineOfScope(scope: string): string | null {
  return /\/push\/([0-9a-f]{32})\/$/.exec(scope)?.[1] ?? null;
}

function keyOf(machineId: string): string {
  return `push/${machineId}`;
}
