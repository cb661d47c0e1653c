export type Theme = "system" | "light" | "dark";

const KEY = "pocketcoder-theme";

/** How the app looks on this device. Nothing secret, so localStorage: it is there before the first frame. */
class Prefs {
  #theme = $state<Theme>(read());

  get theme(): Theme {
    return this.#theme;
  }

  set theme(value: Theme) {
    this.#theme = value;
    if (value === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, value);
    this.apply();
  }

  apply(): void {
    if (this.#theme === "system") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = this.#theme;
  }
}

function read(): Theme {
  const stored = localStorage.getItem(KEY);
  return stored === "light" || stored === "dark" ? stored : "system";
}

export const prefs = new Prefs();
