import type { MachineStorage } from "../storage/database";

/** What page and worker tell each other of one machine's notifications, in the machine's storage. The worker has no other memory, and no page when it is needed. */
export interface KeptPush {
  /** The endpoint that the machine was told: the person wants notifications here, and these are on when the browser still has just this one. */
  readonly endpoint: string;
}

const PUSH = "push";
/** The language of the page, which the worker can't ask. */
const LANGUAGE = "push-language";

export function keptPush(storage: MachineStorage): Promise<KeptPush | undefined> {
  return storage.get<KeptPush>("values", PUSH);
}

export function keepPush(storage: MachineStorage, kept: KeptPush | null): Promise<void> {
  return kept === null ? storage.delete("values", PUSH) : storage.put("values", PUSH, kept);
}

export async function keptLanguage(storage: MachineStorage): Promise<string> {
  return (await storage.get<string>("values", LANGUAGE)) ?? "en";
}

/** English when the storage does not answer within `limitMs`: a notification has to be shown, and WebKit's storage has hung in workers (its bug 226547). */
export async function keptLanguageWithin(storage: MachineStorage, limitMs: number): Promise<string> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<string>((resolve) => (timer = setTimeout(() => resolve("en"), limitMs)));
  try {
    return await Promise.race([keptLanguage(storage).catch(() => "en"), late]);
  } finally {
    clearTimeout(timer);
  }
}

export function keepLanguage(storage: MachineStorage, language: string): Promise<void> {
  return storage.put("values", LANGUAGE, language);
}

/** Where the worker of a machine's notifications is registered: a browser gives one subscription to each registration, and each machine has a key of its own. */
export function scopeOf(machineId: string): string {
  return `/push/${machineId}/`;
}

/** The machine that a worker is for; null: for none. */
export function machineOfScope(scope: string): string | null {
  return /\/push\/([0-9a-f]{32})\/$/.exec(scope)?.[1] ?? null;
}
