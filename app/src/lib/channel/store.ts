/** Where keys and known machines are kept. Values are structured-cloned, so CryptoKeys go in as they are. */
export interface KeyValueStore {
  get(key: string): Promise<unknown>;
  put(key: string, value: unknown): Promise<void>;
  /** Stores the value unless the key is taken, in one step; gives what is stored then. Two tabs that start at once agree by it. */
  putIfAbsent(key: string, value: unknown): Promise<unknown>;
  delete(key: string): Promise<void>;
  /** The values of all keys that begin with `prefix`. */
  list(prefix: string): Promise<unknown[]>;
}

const done = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("the browser gave no reason"));
  });

const committed = (transaction: IDBTransaction): Promise<void> =>
  new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new Error("the browser gave no reason"));
  });

/** The store of the product: one object store in IndexedDB. */
export function indexedDbStore(database = "pocketcoder-channel", factory: IDBFactory = indexedDB): KeyValueStore {
  const TABLE = "values";
  let opened: Promise<IDBDatabase> | undefined;

  const connect = (): Promise<IDBDatabase> => {
    opened ??= (async () => {
      const request = factory.open(database, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(TABLE);
      const connection = await done(request);
      connection.onversionchange = () => connection.close();
      connection.onclose = () => (opened = undefined);
      return connection;
    })().catch((error: unknown) => {
      opened = undefined; // private windows and full disks: the next call tries again
      throw error;
    });
    return opened;
  };

  const run = async <T>(mode: IDBTransactionMode, work: (table: IDBObjectStore) => Promise<T>): Promise<T> => {
    const transaction = (await connect()).transaction(TABLE, mode);
    const end = committed(transaction);
    const [result] = await Promise.all([work(transaction.objectStore(TABLE)), end]);
    return result;
  };

  return {
    get: (key) => run("readonly", (table) => done<unknown>(table.get(key))),
    put: (key, value) => run("readwrite", async (table) => void (await done(table.put(value, key)))),
    putIfAbsent: (key, value) =>
      run("readwrite", async (table) => {
        const present: unknown = await done<unknown>(table.get(key));
        if (present !== undefined) return present;
        await done(table.add(value, key));
        return value;
      }),
    delete: (key) => run("readwrite", (table) => done(table.delete(key))),
    list: (prefix) => run("readonly", (table) => done<unknown[]>(table.getAll(IDBKeyRange.bound(prefix, `${prefix}\uffff`)))),
  };
}
