import { Limits } from "../protocol/generated";

/**
 * What another app of this device shared with this one. The service worker (sw.js) keeps it here and leads to `/new?shared=1`; the page takes it once. It never
 * goes to a server by itself. Anything on the web can fill in such a form, so it is shown as what came from outside, and a person sends it or not.
 */
interface Stored {
  readonly at: number;
  readonly title: string;
  readonly text: string;
  readonly url: string;
  readonly files: readonly File[];
  /** So many files were too many or too large. */
  readonly left: number;
}

export interface Shared {
  readonly words: string;
  readonly files: readonly File[];
  readonly left: number;
}

const NAME = "pocketcoder-shared";
const STORE = "shared";
const KEY = "one";
/** Not taken for so long, it is thrown away. */
const KEPT_MS = 24 * 3600_000;
const CHARACTERS = 64 * 1024;

/** What was shared, once: afterwards it is gone from where the worker kept it. Null: nothing, or it is too old. */
export async function takeShared(now = Date.now()): Promise<Shared | null> {
  const stored = await transact<Stored | undefined>((objects) => {
    const read = objects.get(KEY) as IDBRequest<Stored | undefined>;
    objects.delete(KEY);
    return read;
  });
  if (stored === undefined || Math.abs(now - stored.at) > KEPT_MS) return null;
  const files = stored.files.slice(0, Limits.attachmentsPerPrompt);
  return { words: wordsOf(stored), files, left: stored.left + stored.files.length - files.length };
}

/** Deletes it untaken. */
export async function dropShared(): Promise<void> {
  await transact((objects) => objects.delete(KEY));
}

/** Title, text and address, each once: many apps put the address into the text, or the title in front of it. */
export function wordsOf({ title, text, url }: Pick<Stored, "title" | "text" | "url">): string {
  const parts: string[] = [];
  for (const part of [title, text, url].map((one) => one.trim())) {
    if (part === "" || parts.some((other) => other.includes(part))) continue;
    const inside = parts.findIndex((other) => part.includes(other));
    if (inside >= 0) parts.splice(inside, 1);
    parts.push(part);
  }
  return parts.join("\n").slice(0, CHARACTERS);
}

function transact<T>(work: (objects: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const opening = indexedDB.open(NAME, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
    opening.onerror = () => reject(opening.error ?? new Error("IndexedDB could not be opened"));
    opening.onsuccess = () => {
      const database = opening.result;
      const transaction = database.transaction(STORE, "readwrite");
      const request = work(transaction.objectStore(STORE));
      transaction.oncomplete = () => {
        database.close();
        resolve(request.result);
      };
      transaction.onabort = () => {
        database.close();
        reject(transaction.error ?? new Error("IndexedDB gave up on what was shared"));
      };
    };
  });
}
