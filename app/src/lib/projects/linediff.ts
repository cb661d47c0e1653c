import type { DiffHunk, DiffLine, FileDiff } from "../protocol/generated";

/** Pairs that are compared at most; beyond that everything between the first and the last difference is one change. */
const BOUND = 4_000_000;
const AROUND = 3;

/** What leads from one text to another, line by line, for looking at. */
export function lineDiff(path: string, before: string, after: string): FileDiff {
  const [old, now] = [before.split("\n"), after.split("\n")];
  let head = 0;
  while (head < old.length && head < now.length && old[head] === now[head]) head++;
  let tail = 0;
  while (tail < old.length - head && tail < now.length - head && old[old.length - 1 - tail] === now[now.length - 1 - tail]) tail++;
  const middle = between(old.slice(head, old.length - tail), now.slice(head, now.length - tail));
  const lines: DiffLine[] = [
    ...old.slice(0, head).map((text): DiffLine => ({ kind: "context", text })),
    ...middle,
    ...old.slice(old.length - tail).map((text): DiffLine => ({ kind: "context", text })),
  ];
  return {
    path,
    creates: false,
    complete: true,
    hunks: hunksOf(lines),
    added: middle.filter((line) => line.kind === "add").length,
    removed: middle.filter((line) => line.kind === "remove").length,
  };
}

/** By the longest common run of lines. */
function between(old: readonly string[], now: readonly string[]): DiffLine[] {
  const removed = (text: string): DiffLine => ({ kind: "remove", text });
  const added = (text: string): DiffLine => ({ kind: "add", text });
  if (old.length * now.length > BOUND) return [...old.map(removed), ...now.map(added)];
  const width = now.length + 1;
  const longest = new Uint32Array((old.length + 1) * width);
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = now.length - 1; j >= 0; j--) {
      longest[i * width + j] =
        old[i] === now[j] ? longest[(i + 1) * width + j + 1]! + 1 : Math.max(longest[(i + 1) * width + j]!, longest[i * width + j + 1]!);
    }
  }
  const lines: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < old.length || j < now.length) {
    if (i < old.length && j < now.length && old[i] === now[j]) {
      lines.push({ kind: "context", text: old[i]! });
      i++;
      j++;
    } else if (i < old.length && (j >= now.length || longest[(i + 1) * width + j]! >= longest[i * width + j + 1]!))
      lines.push(removed(old[i++]!));
    else lines.push(added(now[j++]!));
  }
  return lines;
}

function hunksOf(lines: readonly DiffLine[]): DiffHunk[] {
  const hunks: DiffHunk[] = [];
  let [oldNo, newNo, quiet] = [1, 1, AROUND * 2 + 1];
  let hunk: { oldStart: number; newStart: number; lines: DiffLine[] } | null = null;
  const close = (): void => {
    if (!hunk) return;
    const kept = hunk.lines.slice(0, Math.max(0, hunk.lines.length - Math.max(0, quiet - AROUND)));
    hunks.push({
      oldStart: hunk.oldStart,
      newStart: hunk.newStart,
      oldLines: kept.filter((line) => line.kind !== "add").length,
      newLines: kept.filter((line) => line.kind !== "remove").length,
      lines: kept,
    });
    hunk = null;
  };
  lines.forEach((line, at) => {
    if (line.kind !== "context") {
      if (!hunk) {
        const before = lines.slice(Math.max(0, at - AROUND), at).filter((other) => other.kind === "context");
        hunk = { oldStart: oldNo - before.length, newStart: newNo - before.length, lines: [...before] };
      }
      quiet = 0;
    } else quiet++;
    hunk?.lines.push(line);
    if (hunk && quiet > AROUND * 2) close();
    if (line.kind !== "add") oldNo++;
    if (line.kind !== "remove") newNo++;
  });
  close();
  return hunks;
}
