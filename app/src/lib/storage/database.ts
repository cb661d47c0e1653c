/**
 * The app's own IndexedDB: drafts, the outbox, remembered ledger heads, the copy for reading offline. One database, opened once. (The device's keys live in the
 * channel's database, apart from this one.)
 */
const NAME = "pocketcoder-app";
const VERSION = 3;

const STORES = ["values", "outbox", "files", "copy"] as const;

/** `values`: small things by key. `outbox`: what waits to be recorded, by its client-made id. `files`: what goes with it or with a draft, by the file's id. `copy`: what was read from the machine, encrypted, for reading offline. */
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

  /** Puts a value unless the flag (a key of `values`) is set, in one transaction: another tab's word counts as much as this one's. False when it was set. */
  async putUnless(flag: string, store: StoreName, key: string, value: unknown): Promise<boolean> {
    let put = false;
    await this.#transact(["values", store], (transaction) => {
      const set = transaction.objectStore("values").get(flag);
      set.onsuccess = () => {
        if (set.result === true) return;
        transaction.objectStore(store).put(value, key);
        put = true;
      };
    });
    return put;
  }

  /** Sets the flag (a key of `values`) and empties the store: both or neither. */
  setAndClear(flag: string, store: StoreName): Promise<void> {
    return this.#transact(["values", store], (transaction) => {
      transaction.objectStore("values").put(true, flag);
      transaction.objectStore(store).clear();
    });
  }

  async #transact(stores: StoreName[], work: (transaction: IDBTransaction) => void): Promise<void> {
    const connection = await this.#open();
    return new Promise<void>((resolve, reject) => {
      const transaction = connection.transaction(stores, "readwrite", { durability: "strict" });
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error ?? new Error(`IndexedDB gave up on ${stores.join()}`));
      transaction.onerror = () => reject(transaction.error ?? new Error(`IndexedDB failed on ${stores.join()}`));
      work(transaction);
    });
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
