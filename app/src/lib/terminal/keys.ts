/** Keys that a phone's keyboard has not. */
export type BarKey = "esc" | "tab" | "up" | "down" | "left" | "right" | "home" | "end" | "pgup" | "pgdn" | "|" | "~" | "/" | "-";

export interface Modifiers {
  readonly ctrl: boolean;
  readonly alt: boolean;
}

const ARROWS: Partial<Record<BarKey, string>> = { up: "A", down: "B", right: "C", left: "D", home: "H", end: "F" };
const PAGES: Partial<Record<BarKey, string>> = { pgup: "5", pgdn: "6" };

/** What a terminal sends for a key of the bar (xterm's encoding). */
export function barKey(key: BarKey, modifiers: Modifiers, applicationCursor: boolean): string {
  const code = 1 + (modifiers.alt ? 2 : 0) + (modifiers.ctrl ? 4 : 0);
  const arrow = ARROWS[key];
  if (arrow !== undefined) return code > 1 ? `\x1b[1;${code}${arrow}` : applicationCursor ? `\x1bO${arrow}` : `\x1b[${arrow}`;
  const page = PAGES[key];
  if (page !== undefined) return code > 1 ? `\x1b[${page};${code}~` : `\x1b[${page}~`;
  if (key === "esc") return modifiers.alt ? "\x1b\x1b" : "\x1b";
  if (key === "tab") return modifiers.alt ? "\x1b\t" : "\t";
  return modified(key, modifiers);
}

/** Applies sticky modifiers to one typed character; longer text (a paste, a word from the keyboard's suggestions) stays as it is. */
export function modified(text: string, modifiers: Modifiers): string {
  if ([...text].length !== 1) return text;
  const typed = modifiers.ctrl ? control(text) : text;
  return modifiers.alt ? `\x1b${typed}` : typed;
}

function control(character: string): string {
  if (character === " ") return "\0";
  if (character === "?") return "\x7f";
  if (character === "-") return "\x1f"; // Ctrl-_ without the shift key, as terminals do
  if (character === "/") return "\x1f";
  const code = character.toUpperCase().charCodeAt(0);
  return code >= 64 && code <= 95 ? String.fromCharCode(code - 64) : character;
}

/** Cuts typed text into what one message may carry, never through a character. */
export function portions(text: string, most: number): string[] {
  const parts: string[] = [];
  let at = 0;
  while (at < text.length) {
    let end = Math.min(text.length, at + most);
    const last = text.charCodeAt(end - 1);
    if (end < text.length && last >= 0xd800 && last <= 0xdbff) end--;
    parts.push(text.slice(at, end));
    at = end;
  }
  return parts;
}

/** Whether a paste could run something by itself. */
export const hasNewline = (text: string): boolean => /[\r\n]/.test(text);
