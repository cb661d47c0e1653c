import { beforeEach, describe, expect, it } from "vitest";
import { dropShared, takeShared, wordsOf } from "./shared";
import { sharedTold } from "./told";

/** As the service worker puts it there. */
const put = (value: unknown): Promise<void> =>
  new Promise((resolve, reject) => {
    const opening = indexedDB.open("pocketcoder-shared", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("shared");
    opening.onsuccess = () => {
      const transaction = opening.result.transaction("shared", "readwrite");
      transaction.objectStore("shared").put(value, "one");
      transaction.oncomplete = () => {
        opening.result.close();
        resolve();
      };
      transaction.onabort = () => reject(transaction.error ?? new Error("aborted"));
    };
  });
const shared = { at: 1_000_000, title: "A page", text: "Look at this", url: "https://example.com/x", files: [], left: 0 };

beforeEach(() => dropShared());

describe("what another app shared", () => {
  it("is taken once", async () => {
    await put({ ...shared, left: 2 });
    expect(await takeShared(shared.at)).toEqual({ words: "A page\nLook at this\nhttps://example.com/x", files: [], left: 2 });
    expect(await takeShared(shared.at)).toBeNull();
  });

  it("is thrown away after a day, and when the machine is forgotten", async () => {
    await put(shared);
    expect(await takeShared(shared.at + 25 * 3600_000)).toBeNull();
    await put(shared);
    await dropShared();
    expect(await takeShared(shared.at)).toBeNull();
  });

  it("brings no more files than a prompt has, and says how many are left", async () => {
    await put({ ...shared, files: Array.from({ length: 12 }, (_, n) => ({ name: `${n}` })), left: 1 });
    const taken = await takeShared(shared.at);
    expect([taken?.files.length, taken?.left]).toEqual([10, 3]);
  });

  it("says each thing once, whatever an app puts where, and not without end", () => {
    expect(wordsOf({ title: "T", text: "T https://a.example/", url: "https://a.example/" })).toBe("T https://a.example/");
    expect(wordsOf({ title: "", text: "", url: "https://a.example/" })).toBe("https://a.example/");
    expect(wordsOf({ title: " ", text: "x".repeat(100_000), url: "" })).toHaveLength(64 * 1024);
  });

  it("is told by the address, in three words and no other", () => {
    expect(["?shared=1", "?shared=failed", "?a=b&shared=missed", "?shared=2", ""].map(sharedTold)).toEqual([
      "1",
      "failed",
      "missed",
      null,
      null,
    ]);
  });
});
