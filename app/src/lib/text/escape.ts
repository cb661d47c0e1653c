import { mixedScripts } from "./scripts";

/**
 * Makes untrusted text safe to look at: everything a person could not see, or that could make other characters look different
 * (control, bidirectional, zero-width, tag and private-use characters, unusual spaces, variation selectors, unassigned and lone
 * surrogate code points, heaps of combining marks, letters of another script than the rest of their word), becomes a visible chip. Nothing is ever removed or shortened: the `raw` parts
 * of the result, joined, are exactly the input.
 */
export type Piece =
  | { readonly kind: "text"; readonly raw: string }
  /** `label` is what to draw in the chip: `\u{202e}`, `\t`, `⏎`, `space ×40`. `breaks`: a line ends after the chip. */
  | { readonly kind: "chip"; readonly raw: string; readonly label: string; readonly breaks?: boolean };

/**
 * `exact`: for what is decided on (commands, paths, inputs): tabs, line ends and long runs of spaces are chips too.
 * `block`: for output and code: tabs and line ends stay. `line`: for one-line places (titles, names): as exact, but lone spaces and emoji
 * sequences stay as they are.
 */
export type EscapeMode = "exact" | "block" | "line";

// Default_Ignorable covers zero-width, fillers, variation selectors and tags, assigned or not. U+2800 is an empty braille cell.
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?! )\p{Zs}/u;
const PLAIN = /^[\x21-\x7e ]*$/;
const MARK = /\p{M}/u;
const PICTURE = /\p{Extended_Pictographic}|\p{Emoji_Modifier}/u;
const LONG_SPACES = 12;
const MARKS_IN_A_ROW = 3;

export function escapeVisible(input: string, mode: EscapeMode = "exact"): Piece[] {
  if (input === "") return [];
  if (PLAIN.test(input) && (mode === "block" || !input.includes(" ".repeat(LONG_SPACES)))) return [{ kind: "text", raw: input }];

  const pieces: Piece[] = [];
  const units = Array.from(input);
  const mixed = mixedScripts(units);
  let text = "";
  let marks = 0;
  const chip = (raw: string, label: string, breaks = false): void => {
    if (text !== "") pieces.push({ kind: "text", raw: text });
    text = "";
    marks = 0;
    pieces.push(breaks ? { kind: "chip", raw, label, breaks } : { kind: "chip", raw, label });
  };

  for (let i = 0; i < units.length; i++) {
    const unit = units[i] ?? "";
    if (unit === "\n" && mode === "exact") {
      chip(unit, "⏎", true);
      continue;
    }
    if ((unit === "\n" || unit === "\t") && mode === "block") {
      text += unit;
      marks = 0;
      continue;
    }
    if (unit === "\t") {
      chip(unit, "\\t");
      continue;
    }
    if (unit === " " && mode !== "block") {
      let end = i;
      while (units[end] === " ") end++;
      if (end - i >= LONG_SPACES) {
        chip(" ".repeat(end - i), `space ×${end - i}`);
        i = end - 1;
        continue;
      }
    }
    if (mode !== "exact" && isInsidePicture(units, i)) {
      text += unit;
      continue;
    }
    if (HIDDEN.test(unit) || mixed.has(i)) {
      chip(unit, codePoint(unit));
      continue;
    }
    marks = MARK.test(unit) ? marks + 1 : 0;
    if (marks > MARKS_IN_A_ROW || (marks > 0 && text === "")) {
      const seen = marks;
      chip(unit, codePoint(unit));
      marks = seen;
      continue;
    }
    text += unit;
  }
  if (text !== "") pieces.push({ kind: "text", raw: text });
  return pieces;
}

/** The same as one string, for places that can hold only text (document title, accessible names). */
export function escapeToText(input: string, mode: EscapeMode = "line"): string {
  return escapeVisible(input, mode)
    .map((piece) => (piece.kind === "text" ? piece.raw : piece.breaks ? "⏎\n" : piece.label))
    .join("");
}

/** True when the text has characters beyond printable ASCII: letters of other scripts can look like Latin ones. */
export function hasBeyondAscii(input: string): boolean {
  // eslint-disable-next-line no-control-regex -- they are what is looked for
  return /[^\x09\x0a\x20-\x7e]/.test(input);
}

function codePoint(unit: string): string {
  return `\\u{${(unit.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}}`;
}

/** A joiner between two pictures or a variation selector right after one is part of an emoji that people do see. */
function isInsidePicture(units: readonly string[], at: number): boolean {
  const unit = units[at];
  const before = units[at - 1] ?? "";
  if (unit === "\ufe0f") return PICTURE.test(before);
  if (unit !== "\u200d") return false;
  const beforePicture = before === "\ufe0f" ? (units[at - 2] ?? "") : before;
  return PICTURE.test(beforePicture) && PICTURE.test(units[at + 1] ?? "");
}
