import { media } from "./media.svelte";

const WORDS = "pocketcoder-diff-words";
const SIDES = "pocketcoder-diff-sides";

/** How changes look on this device. Nothing secret, so localStorage. */
class DiffPrefs {
  #words = $state(localStorage.getItem(WORDS) !== "off");
  #sides = $state(localStorage.getItem(SIDES) === "on");

  /** Whether what changed within a line is marked. */
  get words(): boolean {
    return this.#words;
  }

  set words(value: boolean) {
    this.#words = value;
    if (value) localStorage.removeItem(WORDS);
    else localStorage.setItem(WORDS, "off");
  }

  /** Whether old and new stand side by side. It was chosen, and there is room for it. */
  get sides(): boolean {
    return this.#sides && media.wide;
  }

  set sides(value: boolean) {
    this.#sides = value;
    if (value) localStorage.setItem(SIDES, "on");
    else localStorage.removeItem(SIDES);
  }
}

export const diffPrefs = new DiffPrefs();
