/**
 * Finds letters that are of another script than the rest of their word (UTS #39 §5.2): a Cyrillic letter in a Latin word looks like a Latin one.
 * The machine tells the same with a request (Scripts.cs); this is for drawing.
 */
const LATIN = "Latin";
const EAST_ASIAN = "EastAsian";

const SCRIPTS: readonly (readonly [string, RegExp])[] = [
  [LATIN, /\p{Script=Latin}/u],
  ["Cyrillic", /\p{Script=Cyrillic}/u],
  ["Greek", /\p{Script=Greek}/u],
  // Written together, and with Latin.
  [
    EAST_ASIAN,
    /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Bopomofo}\p{Script=Hangul}]|\p{Script_Extensions=Hiragana}|\p{Script_Extensions=Han}/u,
  ],
  ["Armenian", /\p{Script=Armenian}/u],
  ["Hebrew", /\p{Script=Hebrew}/u],
  ["Arabic", /\p{Script=Arabic}/u],
  ["Georgian", /\p{Script=Georgian}/u],
  ["Cherokee", /\p{Script=Cherokee}/u],
  ["Coptic", /\p{Script=Coptic}/u],
  ["Ethiopic", /\p{Script=Ethiopic}/u],
  ["Thai", /\p{Script=Thai}/u],
  ["Devanagari", /\p{Script=Devanagari}/u],
];

const WORD = /[\p{L}\p{M}\p{Nd}\p{Nl}_]/u;
const LETTER = /\p{L}/u;
const DIGIT = /\p{Nd}/u;
const ASCII_WORD = /[A-Za-z0-9]/;
const COMMON = /\p{Script=Common}/u;

/** Indexes in `units` (code points) of the letters and digits that do not belong to their word. */
export function mixedScripts(units: readonly string[]): ReadonlySet<number> {
  const mixed = new Set<number>();
  for (let i = 0; i < units.length;) {
    let end = i;
    let plain = true;
    while (end < units.length && WORD.test(units[end] ?? "")) {
      plain &&= (units[end] ?? "") < "\x80";
      end++;
    }
    if (!plain) look(units, i, end, mixed);
    i = Math.max(end, i + 1);
  }
  return mixed;
}

function look(units: readonly string[], from: number, to: number, mixed: Set<number>): void {
  const letters: [number, string][] = [];
  const digits: number[] = [];
  let ascii = false;
  for (let i = from; i < to; i++) {
    const unit = units[i] ?? "";
    ascii ||= ASCII_WORD.test(unit);
    if (LETTER.test(unit)) letters.push([i, scriptOf(unit)]);
    else if (unit > "\x7f" && DIGIT.test(unit)) digits.push(i);
  }
  if (ascii) for (const at of digits) mixed.add(at);
  const main = letters.some(([, script]) => script === LATIN) ? LATIN : letters[0]?.[1];
  for (const [at, script] of letters) if (script !== main && !(main === LATIN && script === EAST_ASIAN)) mixed.add(at);
}

/** A script that is not listed counts by blocks of 256, South Asian ones by 128: no word of a language spans two of them. */
function scriptOf(unit: string): string {
  for (const [name, test] of SCRIPTS) if (test.test(unit)) return name;
  const value = unit.codePointAt(0) ?? 0;
  return COMMON.test(unit) ? `common ${value >> 8}` : value >= 0x900 && value < 0xe00 ? `block ${value >> 7}` : `block ${value >> 8}`;
}
