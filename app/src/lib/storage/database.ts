import { byMachine } from "./upgrade";

/**
 * The app's own IndexedDB: drafts, the outbox, remembered ledger heads, the copy for reading offline. One database, opened once; every row belongs to one machine,
 * and is reached through that machine's storage only. (The device's keys live in the channel's database, apart from this one.)
 */
const NAME = "pocketcoder-app";
/** 4: rows are kept by machine. Before that there was one machine, and keys were bare. */
const VERSION = 4;

const STORES = ["values", "outbox", "files", "copy"] as const;

/** `values`: small things by key. `outbox`: what waits to be recorded, by its client-made id. `files`: what goes with it or with a draft, by the file's id. `copy`: what was read from the machine, encrypted, for reading offline. */
export type StoreName = (typeof STORES)[number];

export class Database {
  #connection: Promise<IDBDatabase> | null = null;
  readonly #name: string;
  readonly #before: string | null;

  /** `before`: the machine that was paired when there was only one; what was kept then is its. */
  constructor(name: string = NAME, before: string | null = null) {
    this.#name = name;
    this.#before = before;
  }

  /** What is kept for one machine, and no other. */
  of(machineId: string): MachineStorage {
    return new MachineStorage(machineId, () => this.#open());
  }

  #open(): Promise<IDBDatabase> {
    this.#connection ??= new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open(this.#name, VERSION);
      request.onupgradeneeded = ({ oldVersion }) => {
        for (const store of STORES) if (!request.result.objectStoreNames.contains(store)) request.result.createObjectStore(store);
        // In the upgrade's own transaction: all rows are moved, or the database stays as it was.
        if (oldVersion > 0 && oldVersion < 4 && request.transaction) byMachine(request.transaction, STORES, this.#before);
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

/** One machine's rows. Keys are `[machine, key]` in the database, so that no key of one machine can name a row of another. */
export class MachineStorage {
  readonly #machineId: string;
  readonly #open: () => Promise<IDBDatabase>;
  #dropped = false;

  constructor(machineId: string, open: () => Promise<IDBDatabase>) {
    this.#machineId = machineId;
    this.#open = open;
  }

  get<T>(store: StoreName, key: string): Promise<T | undefined> {
    return this.#run(store, "readonly", (objects) => objects.get(this.#key(key)) as IDBRequest<T | undefined>);
  }

  all<T>(store: StoreName): Promise<T[]> {
    return this.#run(store, "readonly", (objects) => objects.getAll(this.#rows()) as IDBRequest<T[]>);
  }

  /** Resolves when the transaction is complete, not merely when the request was taken. */
  async put(store: StoreName, key: string, value: unknown): Promise<void> {
    if (!this.#dropped) await this.#run(store, "readwrite", (objects) => objects.put(value, this.#key(key)));
  }

  async delete(store: StoreName, key: string): Promise<void> {
    await this.#run(store, "readwrite", (objects) => objects.delete(this.#key(key)));
  }

  async clear(store: StoreName): Promise<void> {
    await this.#run(store, "readwrite", (objects) => objects.delete(this.#rows()));
  }

  /** Deletes everything that is kept for the machine, at once. What is written here afterwards, by work that was under way, is thrown away. */
  drop(): Promise<void> {
    this.#dropped = true;
    return this.#transact([...STORES], (transaction) => {
      for (const store of STORES) transaction.objectStore(store).delete(this.#rows());
    });
  }

  /** Puts a value unless the flag (a key of `values`) is set, in one transaction: another tab's word counts as much as this one's. False when it was set. */
  async putUnless(flag: string, store: StoreName, key: string, value: unknown): Promise<boolean> {
    let put = false;
    if (this.#dropped) return false;
    await this.#transact(["values", store], (transaction) => {
      const set = transaction.objectStore("values").get(this.#key(flag));
      set.onsuccess = () => {
        if (set.result === true) return;
        transaction.objectStore(store).put(value, this.#key(key));
        put = true;
      };
    });
    return put;
  }

  /** Sets the flag (a key of `values`) and empties the store: both or neither. */
  async setAndClear(flag: string, store: StoreName): Promise<void> {
    if (this.#dropped) return;
    await this.#transact(["values", store], (transaction) => {
      transaction.objectStore("values").put(true, this.#key(flag));
      transaction.objectStore(store).delete(this.#rows());
    });
  }

  #key(key: string): [string, string] {
    return [this.#machineId, key];
  }

  /** All keys of this machine: an array sorts after every text. */
  #rows(): IDBKeyRange {
    return IDBKeyRange.bound([this.#machineId], [this.#machineId, []]);
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
}
