import { beforeEach, describe, expect, it } from "vitest";
import { uuid7 } from "../ids/uuid7";
import { Database, type MachineStorage } from "./database";
import { MAX_ENTRY, OfflineCopy } from "./offline-copy";

let database: MachineStorage;
let copy: OfflineCopy;

beforeEach(() => {
  database = new Database(`offline-${uuid7()}`).of("machine-a");
  copy = new OfflineCopy(database, "machine-a");
});

const secret = { title: "Rotate the signing keys", text: "hunter2" };
const rest = async (): Promise<string> =>
  JSON.stringify(await database.all("copy"), (_, value: unknown) =>
    value instanceof ArrayBuffer ? new TextDecoder("latin1").decode(value) : value,
  );

describe("the copy for reading offline", () => {
  it("gives back what was kept, and when", async () => {
    const before = Date.now();
    await copy.keepState(secret);
    await copy.keepSession("s1", secret);
    const again = new OfflineCopy(database, "machine-a");
    expect((await again.read("state"))?.value).toEqual(secret);
    expect((await again.read("session/s1"))?.value).toEqual(secret);
    expect((await again.read("state"))?.at).toBeGreaterThanOrEqual(before);
    expect(await again.read("session/s2")).toBeNull();
  });

  it("is encrypted, under a key that scripts can't take out", async () => {
    await copy.keepState(secret);
    await copy.keepSession("s1", secret);
    expect(await rest()).not.toMatch(/hunter2|Rotate/);
    const key = await database.get<CryptoKey>("copy", "key");
    expect(key?.extractable).toBe(false);
  });

  it("is of one machine, and each entry of its name: changed or moved it is none", async () => {
    await copy.keepSession("s1", secret);
    expect(await new OfflineCopy(database, "machine-b").read("session/s1")).toBeNull();
    const sealed = await database.get<{ iv: Uint8Array<ArrayBuffer>; data: ArrayBuffer }>("copy", "session/s1");
    if (!sealed) throw new Error("not kept");
    await database.put("copy", "session/s2", sealed);
    expect(await copy.read("session/s2")).toBeNull();
    const bytes = new Uint8Array(sealed.data);
    bytes[3] = (bytes[3] ?? 0) ^ 1;
    await database.put("copy", "session/s1", { iv: sealed.iv, data: bytes.buffer });
    expect(await copy.read("session/s1")).toBeNull();
  });

  it("has bounds: thirty conversations, the newest, none too large", async () => {
    for (let n = 0; n < 33; n++) await copy.keepSession(`s${n}`, secret);
    await copy.keepSession("large", "x".repeat(MAX_ENTRY));
    const kept = await Promise.all(Array.from({ length: 33 }, async (_, n) => ((await copy.read(`session/s${n}`)) === null ? 0 : 1)));
    expect(kept.slice(0, 3)).toEqual([0, 0, 0]);
    expect(kept.slice(3)).not.toContain(0);
    expect(await copy.read("session/large")).toBeNull();
    expect((await database.all("copy")).length).toBe(30 + 2); // with key and index
  });

  it("is gone with its key when it is cleared, and nothing comes after that", async () => {
    const late = Promise.all([copy.keepState(secret), copy.keepSession("s1", secret)]);
    await copy.clear();
    await late;
    await copy.keepState(secret);
    expect(await database.all("copy")).toEqual([]);
    expect(await copy.read("state")).toBeNull();
  });

  it("is switched off for every tab, whatever is being written", async () => {
    const other = new OfflineCopy(database, "machine-a");
    await other.keepState(secret); // this tab has asked before, and remembers that a copy is wanted
    const late = [other.keepState(secret), copy.keepSession("s1", secret)];
    await copy.want(false);
    await Promise.all(late);
    await other.keepSession("s2", secret);
    expect(await database.all("copy")).toEqual([]);
  });

  it("can be switched off, which deletes it, and on again", async () => {
    await copy.keepState(secret);
    await copy.want(false);
    await copy.keepState(secret);
    expect(await database.all("copy")).toEqual([]);
    const later = new OfflineCopy(database, "machine-a");
    expect(await later.wanted()).toBe(false);
    await later.want(true);
    await later.keepState(secret);
    expect((await later.read("state"))?.value).toEqual(secret);
  });

  it("drops a conversation that the machine has no more", async () => {
    await copy.keepSession("s1", secret);
    await copy.dropSession("s1");
    expect(await copy.read("session/s1")).toBeNull();
  });
});
