import type { Catalogue } from ".";
import type { a } from "./account";
import type { l as ledgerWords } from "./ledger";
import type { m } from "./machine";
import type { k } from "./marks";
import type { n } from "./notifications";
import type { l as paletteWords } from "./palette";
import type { p } from "./project";
import type { r as reviewWords } from "./review";
import type { w as troubleWords } from "./trouble";

/** Every catalogue in one language. A missing entry is a type error. */
export interface Translation {
  readonly app: Catalogue;
  readonly project: typeof p;
  readonly ledger: typeof ledgerWords;
  readonly machine: typeof m;
  readonly palette: typeof paletteWords;
  readonly review: typeof reviewWords;
  readonly marks: typeof k;
  readonly notifications: typeof n;
  readonly account: typeof a;
  readonly trouble: typeof troubleWords;
}

/** Languages besides English, by their BCP 47 tag, with their own name. */
export const languages = { en: "English", "zh-Hans": "简体中文" } as const;
export type Language = keyof typeof languages;

const translations: Record<Exclude<Language, "en">, () => Promise<Translation>> = {
  "zh-Hans": async () => (await import("./zh")).zh,
};
const live = new Map<keyof Translation, object>();
let translation: Translation | null = null;
let tag: string | undefined;

/**
 * A catalogue as the app uses it: English until `speak` has loaded another language, whether that is before or after this part of the app is loaded. Texts are
 * not reactive: the language is chosen before the app is drawn, and choosing another one loads the page again.
 */
export function catalogue<Name extends keyof Translation, Words extends object>(
  name: Name,
  english: Translation[Name] extends Words ? Words : never,
): Words {
  const words: Words = { ...english };
  live.set(name, words);
  if (translation) Object.assign(words, translation[name]);
  return words;
}

/**
 * The rest of a catalogue, into the one that is in use already: its own sections, and what sections of the same name lack. A translation is
 * loaded whole, so nothing of it is replaced.
 */
export function extend<First extends object, Rest extends object>(first: First, rest: Rest): First & Rest {
  if (!translation) {
    for (const [section, words] of Object.entries(rest) as [keyof First, object][]) first[section] = { ...first[section], ...words };
  }
  return first as First & Rest;
}

/** The language for numbers and dates: what was chosen, else the browser's own with all its regional habits. */
export function locale(): string | undefined {
  return tag;
}

/** The first of a person's languages that there is, else English. */
export function known(wanted: readonly string[]): Language {
  for (const one of wanted) {
    const primary = one.toLowerCase().split("-")[0];
    if (primary === "en") return "en";
    if (primary === "zh") return "zh-Hans";
  }
  return "en";
}

/**
 * Loads a language and says it to the page. Null: the browser's. When its texts can't be loaded (no network on the first visit), English stays: a readable app is
 * worth more than the right language.
 */
export async function speak(chosen: Language | null): Promise<void> {
  const language = chosen ?? known(navigator.languages);
  tag = chosen ?? undefined;
  if (language !== "en") {
    try {
      translation = await translations[language]();
    } catch {
      return;
    }
    for (const [name, words] of live) Object.assign(words, translation[name]);
  }
  document.documentElement.lang = language;
}
