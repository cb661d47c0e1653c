import type { GitFileDiff, GitSelection } from "../protocol/generated";
import { blocksOf, gitHunksOf, type DiffRow, type ShownLine } from "../text/diff-blocks";
import type { Choice } from "./choice.svelte";
import type { LinesAt, LineStaging } from "./git-keys";

/** The lines of one file's change, to be staged (or taken out) by keyboard: the same choice as by finger. */
export function lineStaging(file: GitFileDiff, choice: Choice, move: (selections: GitSelection[]) => void): LineStaging {
  const changed = new Map(
    gitHunksOf(file).map((hunk) => [hunk.id, new Set(hunk.lines.flatMap((line) => (line.kind === "context" ? [] : line.index)))]),
  );
  const choose = (places: readonly LinesAt[]): number => {
    const chosen = new Map<string, Set<number>>();
    for (const { hunk, lines } of places) {
      const of = chosen.get(hunk) ?? new Set<number>();
      for (const line of lines) if (changed.get(hunk)?.has(line)) of.add(line);
      chosen.set(hunk, of);
    }
    choice.set(chosen);
    return choice.count;
  };
  return {
    get some() {
      return choice.count > 0;
    },
    choose,
    range: (from, to, sides) => {
      const rows = blocksOf(gitHunksOf(file), sides).flatMap((block) =>
        block.rows().map((row): LinesAt => ({ hunk: block.hunk.id, lines: linesIn(row).map((line) => line.index) })),
      );
      const find = ({ hunk, lines }: LinesAt): number =>
        rows.findIndex((row) => row.hunk === hunk && row.lines.some((line) => lines.includes(line)));
      const [first, last] = [find(from), find(to)].sort((a, b) => a - b);
      if (first === undefined || last === undefined || first < 0) return choice.count;
      choice.active = true;
      return choose(rows.slice(first, last + 1));
    },
    clear: () => choice.clear(),
    move: () => move(choice.selections(file)),
  };
}

const linesIn = ({ old, new: now }: DiffRow): ShownLine[] => [old, now].flatMap((line) => line ?? []);
