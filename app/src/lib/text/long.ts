/**
 * Long answers in pieces: a text of megabytes, parsed and drawn whole, takes a phone tens of seconds and most of its memory; while it grows it would be parsed anew for each frame.
 */

/** Characters that are parsed and drawn at one time. */
export const PAGE = 64 * 1024;

/** Characters of a long text that are shown, as they are, while it is being written. */
export const TAIL = 16 * 1024;

const FENCE = /^ {0,3}(`{3,}|~{3,})/;

/** The end of a text, from the beginning of a line where there is one: never half a character. */
export function tailOf(text: string, most: number = TAIL): string {
  if (text.length <= most) return text;
  let from = text.length - most;
  const line = text.indexOf("\n", from);
  if (line >= 0 && line + 1 < text.length && line - from < most / 2) return text.slice(line + 1);
  const code = text.charCodeAt(from);
  if (code >= 0xdc00 && code <= 0xdfff) from++;
  return text.slice(from);
}

/**
 * A markdown text in pieces of at most `most` characters that can be drawn one by one: cut before an empty line where there is one, else at the end of a line. A fence that a cut goes
 * through is closed before it and opened again after it. Work is linear in the text.
 */
export function pagesOf(text: string, most: number = PAGE): string[] {
  if (text.length <= most) return [text];
  const pages: string[] = [];
  let begin = 0; // of the page
  let opening = ""; // the line that opened the fence which the page begins in
  let fence = ""; // the line that opened the fence we are in
  let good = -1; // the last place to cut at, outside of fences, with an empty line before it
  let at = 0;
  const cut = (end: number, inside: string): void => {
    pages.push(
      (opening === "" ? "" : `${opening}\n`) +
        text.slice(begin, end) +
        (inside === "" ? "" : `${text[end - 1] === "\n" ? "" : "\n"}${closing(inside)}`),
    );
    [begin, opening, good] = [end, inside, -1];
  };
  while (at < text.length) {
    const newline = text.indexOf("\n", at);
    const end = newline < 0 ? text.length : newline + 1;
    if (end - begin > most) {
      if (good > begin) cut(good, "");
      if (end - begin > most && at > begin) cut(at, fence);
      for (let next = begin + most; end - begin > most; next = begin + most) cut(whole(text, next), fence); // a line that is longer than a page
    }
    const line = text.slice(at, Math.min(end, at + 200)).trimEnd();
    const mark = FENCE.exec(line)?.[1];
    if (fence === "") {
      if (mark !== undefined) fence = line;
      else if (line === "") good = end;
    } else if (mark !== undefined && line.trim() === mark && mark.startsWith(closing(fence))) fence = "";
    at = end;
  }
  if (begin < text.length) cut(text.length, "");
  return pages;
}

const closing = (opened: string): string => FENCE.exec(opened)?.[1] ?? "```";

/** Not within a pair of surrogates. */
function whole(text: string, at: number): number {
  const code = text.charCodeAt(at);
  return code >= 0xdc00 && code <= 0xdfff ? at - 1 : at;
}
