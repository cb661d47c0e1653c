/**
 * Marks what was searched for in what is drawn, without changing it: ranges for the CSS Custom Highlight API. Where a browser has none (before Safari 17.2 and
 * Firefox 140), the row is still scrolled to and framed. At most `LIMIT` ranges, so that a search for one letter stays cheap.
 */
const LIMIT = 2000;
const HITS = "find";
const HERE = "find-here";

/** Where `query` stands in the text below `root`, in any case; a hit may run over several nodes, as highlighted code does. */
export function rangesOf(root: Node, query: string, limit = LIMIT): Range[] {
  const wanted = query.trim().toLowerCase();
  const ranges: Range[] = [];
  if (wanted === "") return ranges;
  const nodes: { node: Text; from: number }[] = [];
  let text = "";
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    nodes.push({ node: node as Text, from: text.length });
    text += (node as Text).data;
  }
  // Lower case may have another length than what it comes from (İ); then places would not be those of the text.
  const lower = text.toLowerCase();
  const searched = lower.length === text.length ? lower : text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  let at = 0; // of the node in which the last hit began
  for (let hit = searched.indexOf(wanted); hit >= 0 && ranges.length < limit; hit = searched.indexOf(wanted, hit + wanted.length)) {
    const range = document.createRange();
    const place = (offset: number, from: number): [number, number] => {
      let node = from;
      while (node + 1 < nodes.length && (nodes[node + 1]?.from ?? Infinity) <= offset) node++;
      return [node, offset - (nodes[node]?.from ?? 0)];
    };
    const [first, start] = place(hit, at);
    const [last, end] = place(hit + wanted.length - 1, first);
    at = first;
    const from = nodes[first]?.node;
    const to = nodes[last]?.node;
    if (!from || !to) break;
    range.setStart(from, start);
    range.setEnd(to, end + 1);
    ranges.push(range);
  }
  return ranges;
}

/** Marks every hit below `root`, those inside `here` more strongly. Returns how many. */
export function mark(root: Element, query: string, here: Element | null): number {
  if (typeof Highlight === "undefined") return 0;
  const ranges = rangesOf(root, query);
  CSS.highlights.set(HITS, new Highlight(...ranges.filter((range) => !here?.contains(range.startContainer))));
  CSS.highlights.set(HERE, new Highlight(...ranges.filter((range) => here?.contains(range.startContainer))));
  return ranges.length;
}

export function unmark(): void {
  if (typeof Highlight === "undefined") return;
  CSS.highlights.delete(HITS);
  CSS.highlights.delete(HERE);
}
