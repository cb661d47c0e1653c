import { describe, expect, it } from "vitest";
import { uuid7 } from "../ids/uuid7";
import { Database, type MachineStorage, type StoreName } from "./database";

const A = "aa".repeat(16);
const B = "bb".repeat(16);
const stores: readonly StoreName[] = ["values", "outbox", "files", "copy"];

/** The database as version 3 of it was: bare keys, one machine. */
async function asBefore(name: string, version: number, rows: readonly (readonly [StoreName, string, unknown])[]): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const opening = indexedDB.open(name, version);
    opening.onupgradeneeded = () => {
      for (const store of stores) opening.result.createObjectStore(store);
    };
    opening.onerror = () => reject(opening.error ?? new Error("not opened"));
    opening.onsuccess = () => {
      const transaction = opening.result.transaction([...stores], "readwrite");
      for (const [store, key, value] of rows) transaction.objectStore(store).put(value, key);
      transaction.oncomplete = () => {
        opening.result.close();
        resolve();
      };
      transaction.onabort = () => reject(transaction.error ?? new Error("aborted"));
    };
  });
}

const keysOf = (name: string): Promise<IDBValidKey[]> =>
  new Promise((resolve, reject) => {
    const opening = indexedDB.open(name);
    opening.onerror = () => reject(opening.error ?? new Error("not opened"));
    opening.onsuccess = () => {
      const transaction = opening.result.transaction([...stores]);
      const found: IDBValidKey[] = [];
      for (const store of stores) {
        const keys = transaction.objectStore(store).getAllKeys();
        keys.onsuccess = () => found.push(...keys.result);
      }
      transaction.oncomplete = () => {
        opening.result.close();
        resolve(found);
      };
    };
  });

describe("what is kept for a machine", () => {
  /** Every way to read or change rows, by the same key. */
  const ways: readonly (readonly [string, (storage: MachineStorage, store: StoreName) => Promise<unknown>])[] = [
    ["get", (storage, store) => storage.get(store, "k")],
    ["all", (storage, store) => storage.all(store)],
    ["put", (storage, store) => storage.put(store, "k", "of B")],
    ["delete", (storage, store) => storage.delete(store, "k")],
    ["clear", (storage, store) => storage.clear(store)],
    ["drop", (storage) => storage.drop()],
    ["putUnless", (storage, store) => storage.putUnless("flag", store, "k", "of B")],
    ["setAndClear", (storage, store) => storage.setAndClear("flag", store)],
  ];

  for (const store of stores)
    for (const [name, way] of ways)
      it(`is out of another's reach: ${name} on ${store}`, async () => {
        const database = new Database(`apart-${uuid7()}`);
        const [a, b] = [database.of(A), database.of(B)];
        for (const one of stores) await a.put(one, "k", "of A");
        await a.put("values", "flag", true);
        const answer = await way(b, store);
        expect(JSON.stringify(answer) ?? "").not.toContain("of A");
        for (const one of stores) expect(await a.get(one, "k")).toBe("of A");
        expect((await a.all("values")).length).toBe(2);
        expect(await a.get("values", "flag")).toBe(true);
        if (name === "putUnless") expect(answer, "a flag of A holds for B").toBe(true);
      });

  it("is apart for ids that begin alike, and for keys that look like an id", async () => {
    const database = new Database(`alike-${uuid7()}`);
    for (const id of ["a", "aa", "a\uffff", "", "b"]) await database.of(id).put("values", `of ${id}`, id);
    for (const id of ["a", "aa", "a\uffff", "", "b"]) expect(await database.of(id).all("values")).toEqual([id]);
    await database.of("a").drop();
    expect(await database.of("aa").all("values")).toEqual(["aa"]);
    expect(await database.of("a\uffff").all("values")).toEqual(["a\uffff"]);
  });
});

describe("what was kept when there was one machine", () => {
  const item = (id: string, machineId: unknown): object => ({ id, machineId, type: "agent_message", state: "saved", payload: {} });

  it("is that machine's, without a loss; a message and a head stay with the machine that they name", async () => {
    const name = `before-${uuid7()}`;
    const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt"]);
    await asBefore(name, 3, [
      ["values", "draft/s1", "half a thought"],
      ["values", "draft/new", "more"],
      ["values", "offline/off", true],
      ["values", `ledger-head/${A}`, { seq: 7 }],
      ["values", `ledger-head/${B}`, { seq: 9 }],
      ["outbox", "p1", item("p1", A)],
      ["outbox", "p2", item("p2", B)],
      ["files", "f1", { id: "f1", bytes: new ArrayBuffer(3) }],
      ["copy", "key", key],
      ["copy", "state", { iv: 1 }],
    ]);
    const [a, b] = [new Database(name, A).of(A), new Database(name, A).of(B)];
    expect(await a.get("values", "draft/s1")).toBe("half a thought");
    expect(await a.get("values", "draft/new")).toBe("more");
    expect(await a.get("values", "offline/off")).toBe(true);
    expect(await a.get("values", "ledger-head")).toEqual({ seq: 7 });
    expect((await a.all("values")).length).toBe(4);
    expect(await a.all("outbox")).toEqual([item("p1", A)]);
    expect((await a.all<{ id: string }>("files")).map((file) => file.id)).toEqual(["f1"]);
    expect((await a.get<CryptoKey>("copy", "key"))?.extractable).toBe(false);
    expect(await a.get("copy", "state")).toEqual({ iv: 1 });
    expect(await b.all("values")).toEqual([{ seq: 9 }]);
    expect(await b.get("values", "ledger-head")).toEqual({ seq: 9 });
    expect(await b.all("outbox")).toEqual([item("p2", B)]);
    expect(await b.all("files")).toEqual([]);
    expect(await b.all("copy")).toEqual([]);
    expect((await keysOf(name)).filter((one) => !Array.isArray(one))).toEqual([]);
  });

  it.each([1, 2, 3])("is taken over from version %i, a thousand rows too, and once only", async (version) => {
    const name = `many-${uuid7()}`;
    await asBefore(
      name,
      version,
      Array.from({ length: 1000 }, (_, n) => ["values", `draft/${n}`, n] as const),
    );
    const a = new Database(name, A).of(A);
    expect((await a.all<number>("values")).sort((x, y) => x - y)).toEqual(Array.from({ length: 1000 }, (_, n) => n));
    await a.put("values", "draft/1", "changed");
    expect(await new Database(name, B).of(A).get("values", "draft/1")).toBe("changed");
    expect(await new Database(name, B).of(B).all("values")).toEqual([]);
  });

  it("goes where no machine is paired, but for what names its machine", async () => {
    const name = `nobody-${uuid7()}`;
    await asBefore(name, 3, [
      ["values", "draft/s1", "x"],
      ["outbox", "p1", item("p1", A)],
      ["outbox", "odd", item("odd", 7)],
      ["outbox", "none", "text"],
    ]);
    expect(await new Database(name).of(A).all("outbox")).toEqual([item("p1", A)]);
    expect(await keysOf(name)).toEqual([[A, "p1"]]);
  });
});
