import { describe, expect, it } from "vitest";
import type { DiffLine, FileDiff, GitFileDiff } from "../protocol/generated";
import { blocksOf, gitHunksOf, hunksOf, type DiffRow } from "./diff-blocks";

const diffOf = (...hunks: { from: number; kinds: string }[]): FileDiff => ({
  path: "a.ts",
  creates: false,
  added: 0,
  removed: 0,
  complete: true,
  hunks: hunks.map(({ from, kinds }) => ({
    oldStart: from,
    oldLines: 0,
    newStart: from,
    newLines: 0,
    lines: [...kinds].map((kind, n): DiffLine => ({
      kind: kind === "+" ? "add" : kind === "-" ? "remove" : "context",
      text: `${from}:${n}`,
    })),
  })),
});

const unified = (diff: FileDiff, limit?: number) => blocksOf(hunksOf(diff), false, limit);
const linesOf = (rows: readonly DiffRow[]) => rows.flatMap((row) => row.new ?? row.old ?? []);

describe("the blocks of a diff", () => {
  it("hold every line once, in order, with its number, however long and mixed", () => {
    let seed = 3;
    const next = (below: number): number => (seed = (seed * 1103515245 + 12345) % 2147483648) % below;
    for (let round = 0; round < 200; round++) {
      let from = 1 + next(5);
      const hunks = Array.from({ length: 1 + next(4) }, () => {
        let kinds = "";
        while (kinds.length < next(600)) kinds += " +-"[next(3)]?.repeat(1 + next(round % 2 === 0 ? 4 : 300));
        const hunk = { from, kinds };
        from += kinds.length + 1 + next(50);
        return hunk;
      });
      const diff = diffOf(...hunks);
      const blocks = unified(diff);
      const lines = blocks.flatMap((block) => linesOf(block.rows()));
      expect(lines.map((line) => line.text)).toEqual(diff.hunks.flatMap((hunk) => hunk.lines.map((line) => line.text)));
      expect(Math.max(0, ...blocks.map((block) => block.size))).toBeLessThanOrEqual(100);
      expect(new Set(blocks.map((block) => block.key)).size).toBe(blocks.length);
      // The numbers of the new file's lines go up by one within a hunk, and the old one's too.
      for (const side of ["old", "new"] as const) {
        const own = lines.filter((line) => line[side] !== null);
        const jumps = own.filter((line, at) => {
          const before = own[at - 1];
          return before && before.text.split(":")[0] === line.text.split(":")[0] && line[side] !== (before[side] ?? 0) + 1;
        });
        expect(jumps).toEqual([]);
      }
      // Side by side: each side has all of its lines in order, what is unchanged stands beside itself, and no row is empty.
      const beside = blocksOf(hunksOf(diff), true).flatMap((block) => block.rows());
      for (const side of ["old", "new"] as const)
        expect(beside.flatMap((row) => row[side]?.text ?? [])).toEqual(
          lines.filter((line) => line[side] !== null).map((line) => line.text),
        );
      const unchanged = (row: DiffRow) => row.old?.kind === "context" || row.new?.kind === "context";
      expect(beside.filter((row) => (unchanged(row) ? row.old !== row.new : (row.old ?? row.new) === null))).toEqual([]);
      expect(blocks.every((block) => block.rows().length === block.size)).toBe(true);
      // As many changes as runs of changed lines.
      const runs = hunks.reduce((sum, hunk) => sum + (hunk.kinds.match(/[+-]+/g) ?? []).length, 0);
      expect(blocks.reduce((sum, block) => sum + block.changes.length, 0)).toBe(runs);
    }
  });

  it("are cut where no change is, if they can be, and say so where not", () => {
    expect(unified(diffOf({ from: 1, kinds: "+".repeat(50) + " ".repeat(50) })).map((block) => [block.size, block.torn])).toEqual([
      [50, false],
      [40, false],
      [10, false],
    ]);
    expect(unified(diffOf({ from: 1, kinds: "-".repeat(200) + "+".repeat(200) })).map((block) => block.torn)).toEqual([
      true,
      true,
      true,
      true,
    ]);
  });

  it("take the first lines only where there is a limit", () => {
    expect(
      unified(diffOf({ from: 9, kinds: "+".repeat(50) }, { from: 90, kinds: "+".repeat(50) }), 70).flatMap((block) => block.rows()),
    ).toHaveLength(70);
  });

  it("say where a hunk begins that is not the beginning of the file", () => {
    expect(unified(diffOf({ from: 1, kinds: "+" }, { from: 40, kinds: "+" })).map((block) => block.from)).toEqual([null, 40]);
  });

  it("pair the n-th removed line with the n-th added one, side by side, however long the run is", () => {
    const rows = blocksOf(hunksOf(diffOf({ from: 5, kinds: `${"-".repeat(150)}${"+".repeat(120)} ` })), true).flatMap((block) =>
      block.rows(),
    );
    expect(rows).toHaveLength(151);
    expect([rows[119]?.old?.old, rows[119]?.new?.new]).toEqual([124, 124]);
    expect([rows[120]?.old?.old, rows[120]?.new]).toEqual([125, null]);
    expect(blocksOf(hunksOf(diffOf({ from: 5, kinds: "-".repeat(300) })), true).every((block) => !block.torn)).toBe(true);
  });

  it("are the same for what git tells, with the places that git knows the lines by", () => {
    const [hunk] = gitHunksOf({
      path: "a",
      hunks: [
        {
          id: "h",
          newStart: 7,
          heading: "f()",
          lines: [
            { kind: "context", old: 7, new: 7, text: "a" },
            { kind: "removed", old: 8, new: null, text: "b" },
            { kind: "added", old: null, new: 8, text: "c" },
          ],
        },
      ],
    } as unknown as GitFileDiff);
    expect(hunk?.lines.map((line) => [line.kind, line.index])).toEqual([
      ["context", 0],
      ["remove", 1],
      ["add", 2],
    ]);
    expect(
      blocksOf(hunk ? [hunk] : [], true)[0]
        ?.rows()
        .map((row) => [row.old?.index, row.new?.index]),
    ).toEqual([
      [0, 0],
      [1, 2],
    ]);
  });
});
