/**
 * Agents' markdown as a tree, never as HTML: components draw the tree as elements and text nodes, so there is nothing to sanitise and
 * no way for text to become markup. Understands what coding agents write: headings, paragraphs, lists (nested, tasks), quotes, fenced and inline code,
 * tables, rules, emphasis, strike-through, links. Raw HTML is shown as the text it is. Images become links: nothing is loaded from the network.
 * Work is linear in the input but for emphasis, which looks ahead at most MAX_SPAN characters; nesting is bounded by MAX_DEPTH.
 */
export type Block =
  | { kind: "heading"; level: number; children: Inline[] }
  | { kind: "paragraph"; children: Inline[] }
  | { kind: "code"; language: string; text: string }
  | { kind: "list"; ordered: boolean; start: number; items: ListItem[] }
  | { kind: "quote"; children: Block[] }
  | { kind: "table"; align: ("left" | "center" | "right" | "")[]; head: Inline[][]; rows: Inline[][][] }
  | { kind: "rule" };

export interface ListItem {
  task: boolean | null;
  children: Block[];
}

export type Inline =
  | { kind: "text"; text: string }
  | { kind: "code"; text: string }
  | { kind: "strong" | "emphasis" | "strike"; children: Inline[] }
  | { kind: "link"; href: string; host: string; children: Inline[] }
  | { kind: "break" };

const MAX_DEPTH = 12;
const MAX_SPAN = 4_000;

export function parseMarkdown(source: string): Block[] {
  return blocks(source.replace(/\r\n?/g, "\n").split("\n"), 0);
}

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([^\s`]*)[^`]*$/;
const HEADING = /^ {0,3}(#{1,6})(?:[ \t]+(.*))?$/;
const RULE = /^ {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$/;
const ITEM = /^( *)([-*+]|\d{1,9}[.)])(?:[ \t]+|$)/;
const QUOTE = /^ {0,3}> ?/;
const TABLE_RULE = /^ {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/;

function blocks(lines: readonly string[], depth: number): Block[] {
  const result: Block[] = [];
  let i = 0;
  while (i < lines.length) {
    const line = lines[i] ?? "";
    if (line.trim() === "") {
      i++;
      continue;
    }
    const fence = FENCE.exec(line);
    if (fence) {
      const mark = fence[1] ?? "```";
      const indent = line.length - line.trimStart().length;
      const body: string[] = [];
      i++;
      while (i < lines.length && !isFenceEnd(lines[i] ?? "", mark)) {
        body.push(outdent(lines[i] ?? "", indent));
        i++;
      }
      i++;
      result.push({ kind: "code", language: fence[2] ?? "", text: body.join("\n") });
      continue;
    }
    const heading = HEADING.exec(line);
    if (heading) {
      const text = (heading[2] ?? "").replace(/[ \t]+#+[ \t]*$/, "");
      result.push({ kind: "heading", level: heading[1]?.length ?? 1, children: inlines(text, depth) });
      i++;
      continue;
    }
    if (RULE.test(line)) {
      result.push({ kind: "rule" });
      i++;
      continue;
    }
    if (QUOTE.test(line) && depth < MAX_DEPTH) {
      const body: string[] = [];
      while (i < lines.length && QUOTE.test(lines[i] ?? "")) body.push((lines[i++] ?? "").replace(QUOTE, ""));
      result.push({ kind: "quote", children: blocks(body, depth + 1) });
      continue;
    }
    const item = ITEM.exec(line);
    if (item && depth < MAX_DEPTH) {
      const [list, next] = listAt(lines, i, depth);
      result.push(list);
      i = next;
      continue;
    }
    if (line.includes("|") && TABLE_RULE.test(lines[i + 1] ?? "") && (lines[i + 1] ?? "").includes("-")) {
      const head = cells(line);
      const align = cells(lines[i + 1] ?? "").map(alignment);
      if (head.length === align.length) {
        const rows: Inline[][][] = [];
        i += 2;
        while (i < lines.length && (lines[i] ?? "").includes("|") && (lines[i] ?? "").trim() !== "") {
          const row = cells(lines[i++] ?? "");
          rows.push(head.map((_, column) => inlines(row[column] ?? "", depth)));
        }
        result.push({ kind: "table", align, head: head.map((cell) => inlines(cell, depth)), rows });
        continue;
      }
    }
    const body: string[] = [line];
    i++;
    while (i < lines.length && !startsBlock(lines[i] ?? "", depth)) body.push(lines[i++] ?? "");
    result.push({ kind: "paragraph", children: inlines(body.map((part) => part.replace(/^[ \t]+/, "")).join("\n"), depth) });
  }
  return result;
}

function startsBlock(line: string, depth: number): boolean {
  if (line.trim() === "" || FENCE.test(line) || HEADING.test(line) || RULE.test(line)) return true;
  return depth < MAX_DEPTH && (QUOTE.test(line) || ITEM.test(line));
}

function isFenceEnd(line: string, mark: string): boolean {
  const text = line.trim();
  return text.length >= mark.length && text === mark.charAt(0).repeat(text.length);
}

function outdent(line: string, by: number): string {
  let i = 0;
  while (i < by && line.charAt(i) === " ") i++;
  return line.slice(i);
}

function listAt(lines: readonly string[], from: number, depth: number): [Block, number] {
  const first = ITEM.exec(lines[from] ?? "");
  const base = first?.[1]?.length ?? 0;
  const ordered = /\d/.test(first?.[2] ?? "");
  const list: Block & { kind: "list" } = { kind: "list", ordered, start: ordered ? Number.parseInt(first?.[2] ?? "1", 10) : 1, items: [] };
  let i = from;
  while (i < lines.length) {
    const marker = ITEM.exec(lines[i] ?? "");
    if (!marker || (marker[1]?.length ?? 0) < base || (marker[1]?.length ?? 0) > base + 1 || /\d/.test(marker[2] ?? "") !== ordered) break;
    if (RULE.test(lines[i] ?? "")) break;
    const indent = marker[0].length;
    const body: string[] = [(lines[i] ?? "").slice(indent)];
    i++;
    while (i < lines.length) {
      const line = lines[i] ?? "";
      const lead = line.length - line.trimStart().length;
      if (line.trim() === "") {
        // A blank line belongs to the item only when what follows is still inside it.
        const next = lines[i + 1] ?? "";
        if (next.trim() === "" || next.length - next.trimStart().length <= base) break;
        body.push("");
      } else if (lead > base) {
        body.push(outdent(line, Math.min(lead, indent)));
      } else if (!startsBlock(line, depth)) {
        body.push(line);
      } else {
        break;
      }
      i++;
    }
    const task = /^\[([ xX])\][ \t]+/.exec(body[0] ?? "");
    if (task) body[0] = (body[0] ?? "").slice(task[0].length);
    list.items.push({ task: task ? task[1] !== " " : null, children: blocks(body, depth + 1) });
    // One blank line between items keeps the list going.
    if ((lines[i] ?? "").trim() === "" && ITEM.test(lines[i + 1] ?? "")) {
      const next = ITEM.exec(lines[i + 1] ?? "");
      if (next && (next[1]?.length ?? 0) === base && /\d/.test(next[2] ?? "") === ordered) i++;
    }
  }
  return [list, Math.max(i, from + 1)];
}

function cells(line: string): string[] {
  const text = line.trim().replace(/^\|/, "").replace(/\|$/, "");
  const result: string[] = [];
  let cell = "";
  let code = false;
  for (let i = 0; i < text.length; i++) {
    const char = text.charAt(i);
    if (char === "\\" && text.charAt(i + 1) === "|") {
      cell += "|";
      i++;
    } else if (char === "|" && !code) {
      result.push(cell.trim());
      cell = "";
    } else {
      if (char === "`") code = !code;
      cell += char;
    }
  }
  result.push(cell.trim());
  return result;
}

function alignment(cell: string): "left" | "center" | "right" | "" {
  const left = cell.startsWith(":");
  const right = cell.endsWith(":");
  return left && right ? "center" : right ? "right" : left ? "left" : "";
}

function inlines(source: string, depth: number): Inline[] {
  const result: Inline[] = [];
  let text = "";
  const flush = (): void => {
    if (text !== "") result.push({ kind: "text", text });
    text = "";
  };
  const add = (node: Inline): void => {
    flush();
    result.push(node);
  };
  let i = 0;
  while (i < source.length) {
    const char = source.charAt(i);
    if (char === "\\" && /[!-/:-@[-`{-~]/.test(source.charAt(i + 1))) {
      text += source.charAt(i + 1);
      i += 2;
      continue;
    }
    if (char === "\n") {
      if (text.endsWith("  ")) {
        text = text.trimEnd();
        add({ kind: "break" });
      } else {
        text += "\n";
      }
      i++;
      continue;
    }
    if (char === "`") {
      let ticks = 1;
      while (source.charAt(i + ticks) === "`") ticks++;
      const end = closingTicks(source, i + ticks, ticks);
      if (end >= 0) {
        const body = source.slice(i + ticks, end).replace(/\n/g, " ");
        add({ kind: "code", text: /^ .*[^ ].* $/.test(body) ? body.slice(1, -1) : body });
        i = end + ticks;
      } else {
        text += source.slice(i, i + ticks);
        i += ticks;
      }
      continue;
    }
    if ((char === "*" || char === "_" || char === "~") && depth < MAX_DEPTH) {
      const node = emphasisAt(source, i, depth);
      if (node) {
        add(node[0]);
        i = node[1];
        continue;
      }
      let run = 1;
      while (source.charAt(i + run) === char) run++;
      text += source.slice(i, i + run);
      i += run;
      continue;
    }
    if (char === "[" || (char === "!" && source.charAt(i + 1) === "[")) {
      const open = char === "!" ? i + 1 : i;
      const link = linkAt(source, open, depth);
      if (link) {
        add(link[0]);
        i = link[1];
        continue;
      }
    }
    if (char === "<") {
      const auto = /^<((?:https?:\/\/|mailto:)[^\s<>]{1,2000})>/.exec(source.slice(i, i + 2010));
      const target = auto ? safeLink(auto[1] ?? "") : null;
      if (auto && target) {
        add({ kind: "link", ...target, children: [{ kind: "text", text: auto[1] ?? "" }] });
        i += auto[0].length;
        continue;
      }
    }
    if ((char === "h" || char === "H") && /^https?:\/\//i.test(source.slice(i, i + 8)) && !/\w/.test(source.charAt(i - 1))) {
      const raw = /^[^\s<>"'`]+/.exec(source.slice(i, i + 2000))?.[0] ?? "";
      const address = trimAddress(raw);
      const target = safeLink(address);
      if (target) {
        add({ kind: "link", ...target, children: [{ kind: "text", text: address }] });
        i += address.length;
        continue;
      }
    }
    text += char;
    i++;
  }
  flush();
  return result;
}

function closingTicks(source: string, from: number, count: number): number {
  let i = from;
  while (i < source.length) {
    const at = source.indexOf("`", i);
    if (at < 0) return -1;
    let run = 1;
    while (source.charAt(at + run) === "`") run++;
    if (run === count) return at;
    i = at + run;
  }
  return -1;
}

function emphasisAt(source: string, at: number, depth: number): [Inline, number] | null {
  const char = source.charAt(at);
  const double = source.charAt(at + 1) === char;
  if (char === "~" && !double) return null;
  const mark = double ? char + char : char;
  const start = at + mark.length;
  if (/\s|^$/.test(source.charAt(start))) return null;
  if (char === "_" && /[\p{L}\p{N}]/u.test(source.charAt(at - 1))) return null;
  const limit = Math.min(source.length, start + MAX_SPAN);
  for (let i = start + 1; i < limit; i++) {
    const here = source.charAt(i);
    if (here === "\\") {
      i++;
      continue;
    }
    if (here === "`") {
      let ticks = 1;
      while (source.charAt(i + ticks) === "`") ticks++;
      const end = closingTicks(source.slice(0, limit), i + ticks, ticks);
      i = end >= 0 ? end + ticks - 1 : i + ticks - 1;
      continue;
    }
    if (here !== char || /\s/.test(source.charAt(i - 1))) continue;
    let run = 1;
    while (source.charAt(i + run) === char) run++;
    if (run < mark.length || (mark.length === 1 && run === 2)) {
      i += run - 1;
      continue;
    }
    const end = i + run - mark.length;
    if (char === "_" && /[\p{L}\p{N}]/u.test(source.charAt(end + mark.length))) {
      i += run - 1;
      continue;
    }
    const kind = char === "~" ? "strike" : double ? "strong" : "emphasis";
    return [{ kind, children: inlines(source.slice(start, end), depth + 1) }, end + mark.length];
  }
  return null;
}

function linkAt(source: string, open: number, depth: number): [Inline, number] | null {
  if (depth >= MAX_DEPTH) return null;
  let level = 0;
  let close = -1;
  const limit = Math.min(source.length, open + MAX_SPAN);
  for (let i = open; i < limit; i++) {
    const char = source.charAt(i);
    if (char === "\\") i++;
    else if (char === "[") level++;
    else if (char === "]" && --level === 0) {
      close = i;
      break;
    }
  }
  if (close < 0 || source.charAt(close + 1) !== "(") return null;
  let parens = 0;
  let end = -1;
  for (let i = close + 1; i < Math.min(source.length, close + MAX_SPAN); i++) {
    const char = source.charAt(i);
    if (char === "(") parens++;
    else if (char === ")" && --parens === 0) {
      end = i;
      break;
    } else if (char === "\n") return null;
  }
  if (end < 0) return null;
  const label = source.slice(open + 1, close);
  const target = source
    .slice(close + 2, end)
    .trim()
    .replace(/\s+["'(].*$/, "")
    .replace(/^<(.*)>$/, "$1");
  const children = inlines(label === "" ? target : label, depth + 1);
  const safe = safeLink(target);
  // A link elsewhere than the web (a file of the project, an anchor, a script) keeps its text and shows where it pointed.
  if (!safe)
    return [
      { kind: "emphasis", children: label === target || target === "" ? children : [...children, { kind: "text", text: ` (${target})` }] },
      end + 1,
    ];
  return [{ kind: "link", ...safe, children: flattenLinks(children) }, end + 1];
}

/** No link inside a link. */
function flattenLinks(nodes: Inline[]): Inline[] {
  return nodes.flatMap((node) => (node.kind === "link" ? flattenLinks(node.children) : [node]));
}

function trimAddress(raw: string): string {
  let address = raw.replace(/[.,;:!?*_~\]]+$/, "");
  while (address.endsWith(")") && address.split(")").length > address.split("(").length) address = address.slice(0, -1);
  return address;
}

/** The address to open and the host to show before opening, or null unless it is plain http, https or mailto. */
export function safeLink(target: string): { href: string; host: string } | null {
  if (!/^(?:https?:\/\/|mailto:)/i.test(target) || /[\p{Cc}\p{Cf}\s\\]/u.test(target)) return null;
  let url: URL;
  try {
    url = new URL(target);
  } catch {
    return null; // what the URL parser refuses is not a link
  }
  if (url.protocol === "mailto:") return { href: url.href, host: url.pathname };
  if ((url.protocol !== "http:" && url.protocol !== "https:") || url.username !== "" || url.password !== "") return null;
  return { href: url.href, host: url.host };
}
