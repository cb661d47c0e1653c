import { describe, expect, it } from "vitest";
import type { LedgerHead } from "../protocol/generated";
import type { MachineStorage } from "../storage/database";
import { LedgerMemory } from "./memory";

const head = (seq: number, epoch = "e1"): LedgerHead => ({ epoch, seq, hash: "ab".repeat(32), signature: `signed-${seq}` });

function memory(values = new Map<string, unknown>()): LedgerMemory {
  const database = {
    get: (_: string, key: string) => Promise.resolve(values.get(key)),
    put: (_: string, key: string, value: unknown) => {
      values.set(key, value);
      return Promise.resolve();
    },
  };
  return new LedgerMemory(database as unknown as MachineStorage);
}

describe("what the machine is told of a remembered head", () => {
  const good = (): Promise<boolean> => Promise.resolve(true);

  for (const shown of [head(9), head(3), head(9, "e2")]) {
    it(`is the head with the machine's signature, when it shows ${shown.epoch} ${shown.seq}`, async () => {
      const one = memory();
      const told: (LedgerHead | null)[] = [];
      const ask = (_: number, remembered: LedgerHead | null) => {
        told.push(remembered);
        return Promise.resolve({ head: shown, hashAt: "ab".repeat(32) });
      };
      expect((await one.check(head(5), good, ask)).kind).toBe("first");
      await one.check(shown, good, ask);
      expect(told).toEqual([head(5)]);
    });
  }

  it("is nothing when an older app remembered it without the signature", async () => {
    const one = memory(new Map([["ledger-head", { epoch: "e1", seq: 5, hash: "ab".repeat(32) }]]));
    const told: (LedgerHead | null)[] = [];
    const result = await one.check(head(9), good, (_, remembered) => {
      told.push(remembered);
      return Promise.resolve({ head: head(9), hashAt: "ab".repeat(32) });
    });
    expect([result.kind, told]).toEqual(["matches", [null]]);
  });

  it("does not make the alarm depend on the answer", async () => {
    const one = memory();
    await one.check(head(5), good, () => Promise.reject(new Error("not asked")));
    expect((await one.check(head(3), good, () => Promise.reject(new Error("gone")))).kind).toBe("went_back");
  });
});
