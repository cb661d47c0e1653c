import { type Language, languages } from "../strings/language";

export type Theme = "system" | "light" | "dark";

/** What one can choose, the first without choosing; the colours are in design/tokens.css. */
export const accents = ["green", "blue", "violet", "teal"] as const;
export type Accent = (typeof accents)[number];

const KEY = "pocketcoder-theme";
const ACCENT_KEY = "pocketcoder-accent";
const LANGUAGE_KEY = "pocketcoder-language";

/** How the app looks on this device. Nothing secret, so localStorage: it is there before the first frame. */
class Prefs {
  #theme = $state<Theme>(read());
  #accent = $state<Accent>(readAccent());

  get theme(): Theme {
    return this.#theme;
  }

  set theme(value: Theme) {
    this.#theme = value;
    if (value === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, value);
    this.apply();
  }

  get accent(): Accent {
    return this.#accent;
  }

  set accent(value: Accent) {
    this.#accent = value;
    if (value === accents[0]) localStorage.removeItem(ACCENT_KEY);
    else localStorage.setItem(ACCENT_KEY, value);
    this.apply();
  }

  /** Null: the browser's. */
  get language(): Language | null {
    const stored = localStorage.getItem(LANGUAGE_KEY);
    return stored !== null && Object.hasOwn(languages, stored) ? (stored as Language) : null;
  }

  /** Texts are taken up as the page is drawn: whoever sets it loads the page again. */
  set language(value: Language | null) {
    if (value === null) localStorage.removeItem(LANGUAGE_KEY);
    else localStorage.setItem(LANGUAGE_KEY, value);
  }

  apply(): void {
    document.documentElement.dataset["accent"] = this.#accent;
    if (this.#theme === "system") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = this.#theme;
  }
}

function read(): Theme {
  const stored = localStorage.getItem(KEY);
  return stored === "light" || stored === "dark" ? stored : "system";
}

function readAccent(): Accent {
  const stored = localStorage.getItem(ACCENT_KEY);
  return accents.find((accent) => accent === stored) ?? accents[0];
}

export const prefs = new Prefs();
