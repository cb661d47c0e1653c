/** A stretch of a line; `changed` parts are what differs from the paired line. */
export interface Span {
  readonly text: string;
  readonly changed: boolean;
}

/** A line of a change. */
interface Line {
  readonly kind: string;
  readonly text: string;
}

/** What is marked, by line; a line that is not in it has nothing marked. */
export type Words = ReadonlyMap<Line, readonly Span[]>;

const removes = (line: Line | undefined): boolean => line?.kind === "remove";
const adds = (line: Line | undefined): boolean => line?.kind === "add";

/** Longest line, in tokens, that is compared word by word: the comparison is quadratic. */
const MAX_TOKENS = 240;

/** Pairs each run of removed lines with the run of added lines after it and marks what changed inside the pairs. */
export function wordsOf(lines: readonly Line[]): Words {
  const words = new Map<Line, readonly Span[]>();
  let i = 0;
  while (i < lines.length) {
    if (!removes(lines[i])) {
      i++;
      continue;
    }
    let added = i;
    while (removes(lines[added])) added++;
    let end = added;
    while (adds(lines[end])) end++;
    const pairs = Math.min(added - i, end - added);
    for (let k = 0; k < pairs; k++) {
      const before = lines[i + k];
      const after = lines[added + k];
      const spans = before && after ? compare(before.text, after.text) : null;
      if (!before || !after || !spans) continue;
      words.set(before, spans[0]);
      words.set(after, spans[1]);
    }
    i = end;
  }
  return words;
}

/** The same for a removed line and the added line that stands beside it. */
export function wordsBeside(pairs: Iterable<{ readonly old: Line | null; readonly new: Line | null }>): Words {
  const words = new Map<Line, readonly Span[]>();
  for (const pair of pairs) {
    const spans = pair.old && pair.new && removes(pair.old) ? compare(pair.old.text, pair.new.text) : null;
    if (!pair.old || !pair.new || !spans) continue;
    words.set(pair.old, spans[0]);
    words.set(pair.new, spans[1]);
  }
  return words;
}

function compare(before: string, after: string): [Span[], Span[]] | null {
  const a = tokens(before);
  const b = tokens(after);
  if (a.length > MAX_TOKENS || b.length > MAX_TOKENS) return null;
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let endA = a.length;
  let endB = b.length;
  while (endA > start && endB > start && a[endA - 1] === b[endB - 1]) {
    endA--;
    endB--;
  }
  const keepA = new Array<boolean>(a.length).fill(true);
  const keepB = new Array<boolean>(b.length).fill(true);
  const n = endA - start;
  const m = endB - start;
  const width = m + 1;
  const table = new Uint16Array((n + 1) * width);
  for (let i = n - 1; i >= 0; i--) {
    for (let j = m - 1; j >= 0; j--) {
      table[i * width + j] =
        a[start + i] === b[start + j]
          ? (table[(i + 1) * width + j + 1] ?? 0) + 1
          : Math.max(table[(i + 1) * width + j] ?? 0, table[i * width + j + 1] ?? 0);
    }
  }
  let i = 0;
  let j = 0;
  while (i < n || j < m) {
    if (i < n && j < m && a[start + i] === b[start + j]) {
      i++;
      j++;
    } else if (j >= m || (i < n && (table[(i + 1) * width + j] ?? 0) >= (table[i * width + j + 1] ?? 0))) {
      keepA[start + i++] = false;
    } else {
      keepB[start + j++] = false;
    }
  }
  const common = a.filter((token, at) => keepA[at] && token.trim() !== "").length;
  // Lines with next to nothing in common read better as a plain removal and addition.
  if (common === 0 || common * 4 < Math.max(a.length, b.length) / 2) return null;
  return [spans(a, keepA), spans(b, keepB)];
}

function tokens(line: string): string[] {
  return line.match(/[\p{L}\p{N}_]+|\s+|./gu) ?? [];
}

function spans(parts: readonly string[], keep: readonly boolean[]): Span[] {
  const result: Span[] = [];
  for (let i = 0; i < parts.length; i++) {
    const changed = !keep[i];
    const last = result[result.length - 1];
    const text = parts[i] ?? "";
    if (last && last.changed === changed) result[result.length - 1] = { text: last.text + text, changed };
    else result.push({ text, changed });
  }
  return result;
}
