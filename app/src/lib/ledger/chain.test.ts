import { describe, expect, it } from "vitest";
import { chainOf } from "../../dev/scenarios";
import { firstBroken } from "./chain";
import { factsOf } from "./facts";

const newestFirst = async (): Promise<{ seq: number; hash: string; body: string }[]> =>
  (await chainOf(["{}", '{"a":1}', '{"b":"ü"}', '{"c":3}'])).reverse();

describe("the chain, recomputed on the device", () => {
  it("holds for true rows, whole or in part", async () => {
    const rows = await newestFirst();
    expect(await firstBroken(rows)).toBeNull();
    expect(await firstBroken(rows.slice(0, 2))).toBeNull();
    expect(await firstBroken([])).toBeNull();
  });

  it("breaks at a row whose text was changed", async () => {
    const rows = await newestFirst();
    expect(await firstBroken(rows.map((row) => (row.seq === 3 ? { ...row, body: '{"b":"u"}' } : row)))).toBe(3);
  });

  it("breaks where a row is missing, and at the first row when it is another", async () => {
    const rows = await newestFirst();
    expect(await firstBroken(rows.filter((row) => row.seq !== 2))).toBe(3);
    expect(await firstBroken(rows.map((row) => (row.seq === 1 ? { ...row, body: "{ }" } : row)))).toBe(1);
  });
});

describe("a row's facts", () => {
  it("are read when they are there", () => {
    expect(
      factsOf(
        '{"kind":"approval_decided","at":"2026-01-01T00:00:00Z","deviceId":"d","data":{"decision":"allow","scope":"once","exitCode":0}}',
      ),
    ).toMatchObject({ kind: "approval_decided", deviceId: "d", decision: "allow", scope: "once", exitCode: 0 });
  });

  it("are missing rather than wrong in odd text", () => {
    for (const body of ["", "null", "[]", "{", '{"kind":7,"data":[],"at":"never"}'])
      expect(factsOf(body)).toMatchObject({ kind: "", at: null, decision: null });
  });
});
