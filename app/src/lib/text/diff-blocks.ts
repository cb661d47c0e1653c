import type { FileDiff, GitFileDiff } from "../protocol/generated";

/** A line of a change as it is drawn, whichever kind of diff it comes from. */
export interface ShownLine {
  readonly kind: "context" | "add" | "remove";
  readonly text: string;
  /** Its number in the old file; null where it is added. */
  readonly old: number | null;
  /** Its number in the new file; null where it is removed. */
  readonly new: number | null;
  /** Its place among the lines of its hunk. */
  readonly index: number;
  readonly noNewline?: boolean;
  readonly cut?: boolean;
}

export interface ShownHunk {
  readonly id: string;
  readonly newStart: number;
  /** The function that it is in, as git says; empty where nobody does. */
  readonly heading: string;
  readonly lines: readonly ShownLine[];
}

/** What stands in one row: a line on both sides, or on one. One after the other a change is two rows, side by side it is one. */
export interface DiffRow {
  readonly old: ShownLine | null;
  readonly new: ShownLine | null;
}

/** Rows of one hunk that are drawn together. */
export interface DiffBlock {
  readonly key: string;
  readonly hunk: ShownHunk;
  /** The first of its hunk. */
  readonly first: boolean;
  /** The first line of the hunk in the new file, on its first block, where something was left out before it. */
  readonly from: number | null;
  /** How many rows it has. */
  readonly size: number;
  /** Made when they are asked for: most blocks are never drawn. */
  rows(): readonly DiffRow[];
  /** Cut within a run of changed lines that stand one after the other: which of them belong together can't be told from this block alone. */
  readonly torn: boolean;
  /** Where changes begin: the first rows of runs of changed rows. */
  readonly changes: readonly number[];
}

/** A block ends at the first good place after so many rows, and at any place after so many. */
const GOOD = 40;
const MOST = 100;

/** The hunks of an edit. */
export function hunksOf(diff: FileDiff): readonly ShownHunk[] {
  return diff.hunks.map((hunk, at) => {
    let before = hunk.oldStart;
    let after = hunk.newStart;
    // Named one by one: a copy by spreading takes several times as long, and there may be twenty thousand.
    const lines = hunk.lines.map(({ kind, text, noNewline = false }, index) => ({
      kind,
      text,
      old: kind === "add" ? null : before++,
      new: kind === "remove" ? null : after++,
      index,
      noNewline,
      cut: false,
    }));
    return { id: String(at), newStart: hunk.newStart, heading: "", lines };
  });
}

/** `changed` is of the machine's word diff, which the app does not ask for. */
const KINDS = { added: "add", removed: "remove", context: "context", changed: "context" } as const;

/** The hunks of a change that git tells. */
export function gitHunksOf(diff: GitFileDiff): readonly ShownHunk[] {
  return diff.hunks.map(({ id, newStart, heading, lines }) => ({
    id,
    newStart,
    heading,
    lines: lines.map(({ kind, text, old, new: now, noNewline = false, cut = false }, index) => ({
      kind: KINDS[kind],
      text,
      old,
      new: now,
      index,
      noNewline,
      cut,
    })),
  }));
}

export const linesIn = (hunks: readonly ShownHunk[]): number => hunks.reduce((sum, hunk) => sum + hunk.lines.length, 0);

/** One line a row. */
const oneAfterTheOther = (lines: readonly ShownLine[]): DiffRow[] =>
  lines.map((line) => ({ old: line.kind === "add" ? null : line, new: line.kind === "remove" ? null : line }));

/** Where the n-th of a run of removed lines stands beside the n-th of the added lines after it: the places of both, −1 for none. */
function pairsOf(lines: readonly ShownLine[]): { readonly old: Int32Array; readonly new: Int32Array; readonly size: number } {
  const [before, after] = [new Int32Array(lines.length), new Int32Array(lines.length)];
  let size = 0;
  let at = 0;
  while (at < lines.length) {
    if (lines[at]?.kind === "context") {
      before[size] = at;
      after[size++] = at++;
      continue;
    }
    let added = at;
    while (lines[added]?.kind === "remove") added++;
    let end = added;
    while (lines[end]?.kind === "add") end++;
    for (let nth = 0; nth < Math.max(added - at, end - added); nth++) {
      before[size] = at + nth < added ? at + nth : -1;
      after[size++] = added + nth < end ? added + nth : -1;
    }
    at = end;
  }
  return { old: before, new: after, size };
}

/**
 * A diff in blocks that a screen draws when they come near: twenty thousand lines are a hundred thousand elements, of which a person sees fifty. At most `limit`
 * lines. One pass; the lines in their order, none twice and none left out.
 */
export function blocksOf(hunks: readonly ShownHunk[], sides: boolean, limit = Number.POSITIVE_INFINITY): readonly DiffBlock[] {
  const blocks: DiffBlock[] = [];
  let left = limit;
  for (const [at, hunk] of hunks.entries()) {
    if (left <= 0) break;
    const lines = hunk.lines.slice(0, left);
    left -= lines.length;
    const pairs = sides ? pairsOf(lines) : null;
    const size = pairs?.size ?? lines.length;
    const kindAt = (row: number): ShownLine["kind"] => {
      if (!pairs) return lines[row]?.kind ?? "context";
      const before = pairs.old[row] ?? -1;
      return lines[before < 0 ? (pairs.new[row] ?? 0) : before]?.kind ?? "context";
    };
    let start = 0;
    let torn = false;
    let changes: number[] = [];
    let previous: ShownLine["kind"] = "context";
    for (let row = 0; row < size; row++) {
      const kind = kindAt(row);
      if (kind !== "context" && previous === "context") changes.push(row - start);
      previous = kind;
      const last = row + 1 === size;
      const next = last ? "context" : kindAt(row + 1);
      // Side by side every row has with it what it belongs to.
      const good = sides || last || next === "context" || (next === "remove" && kind !== "remove");
      const count = row + 1 - start;
      if (!last && !(good && count >= GOOD) && count < MOST) continue;
      const [from, to] = [start, row + 1];
      blocks.push({
        key: `${sides ? "s" : "u"}${hunk.id}.${from}`,
        hunk,
        first: from === 0,
        from: from === 0 && (at > 0 || hunk.newStart > 1) ? hunk.newStart : null,
        size: count,
        rows: () =>
          pairs
            ? Array.from({ length: to - from }, (_, nth) => ({
                old: lines[pairs.old[from + nth] ?? -1] ?? null,
                new: lines[pairs.new[from + nth] ?? -1] ?? null,
              }))
            : oneAfterTheOther(lines.slice(from, to)),
        torn: torn || !good,
        changes,
      });
      start = to;
      torn = !good;
      changes = [];
    }
  }
  return blocks;
}
