/**
 * The app's own IndexedDB: drafts, the outbox, remembered ledger heads. One database, opened once. (The device's keys live in the
 * channel's database, apart from this one.)
 */
const NAME = "pocketcoder-app";
const VERSION = 2;

const STORES = ["values", "outbox", "files"] as const;

/** `values`: small things by key. `outbox`: what waits to be recorded, by its client-made id. `files`: what goes with it or with a draft, by the file's id. */
export type StoreName = (typeof STORES)[number];

export class Database {
  #connection: Promise<IDBDatabase> | null = null;
  readonly #name: string;

  constructor(name: string = NAME) {
    this.#name = name;
  }

  get<T>(store: StoreName, key: string): Promise<T | undefined> {
    return this.#run(store, "readonly", (objects) => objects.get(key) as IDBRequest<T | undefined>);
  }

  all<T>(store: StoreName): Promise<T[]> {
    return this.#run(store, "readonly", (objects) => objects.getAll() as IDBRequest<T[]>);
  }

  /** Resolves when the transaction is complete, not merely when the request was taken. */
  async put(store: StoreName, key: string, value: unknown): Promise<void> {
    await this.#run(store, "readwrite", (objects) => objects.put(value, key));
  }

  async delete(store: StoreName, key: string): Promise<void> {
    await this.#run(store, "readwrite", (objects) => objects.delete(key));
  }

  async clear(store: StoreName): Promise<void> {
    await this.#run(store, "readwrite", (objects) => objects.clear());
  }

  async #run<T>(store: StoreName, mode: IDBTransactionMode, work: (objects: IDBObjectStore) => IDBRequest<T>): Promise<T> {
    const connection = await this.#open();
    return new Promise<T>((resolve, reject) => {
      const transaction = connection.transaction(store, mode, mode === "readwrite" ? { durability: "strict" } : {});
      const request = work(transaction.objectStore(store));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(transaction.error ?? new Error(`IndexedDB gave up on ${store}`));
      transaction.onerror = () => reject(transaction.error ?? request.error ?? new Error(`IndexedDB failed on ${store}`));
    });
  }

  #open(): Promise<IDBDatabase> {
    this.#connection ??= new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open(this.#name, VERSION);
      request.onupgradeneeded = () => {
        for (const store of STORES) if (!request.result.objectStoreNames.contains(store)) request.result.createObjectStore(store);
      };
      request.onsuccess = () => {
        const connection = request.result;
        // iOS closes databases of pages in the background; open again at the next use.
        connection.onclose = () => (this.#connection = null);
        connection.onversionchange = () => {
          connection.close();
          this.#connection = null;
        };
        resolve(connection);
      };
      request.onerror = () => {
        this.#connection = null;
        reject(request.error ?? new Error("IndexedDB could not be opened"));
      };
    });
    return this.#connection;
  }
}
