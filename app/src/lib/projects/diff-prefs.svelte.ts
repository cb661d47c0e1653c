const WORDS = "pocketcoder-diff-words";

/** How changes look on this device. Nothing secret, so localStorage. */
class DiffPrefs {
  #words = $state(localStorage.getItem(WORDS) !== "off");

  /** Whether what changed within a line is marked. */
  get words(): boolean {
    return this.#words;
  }

  set words(value: boolean) {
    this.#words = value;
    if (value) localStorage.removeItem(WORDS);
    else localStorage.setItem(WORDS, "off");
  }
}

export const diffPrefs = new DiffPrefs();
