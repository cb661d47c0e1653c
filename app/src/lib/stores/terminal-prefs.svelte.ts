const SIZE = "pocketcoder-terminal-size";
const READER = "pocketcoder-terminal-reader";

/** How terminals look on this device. Nothing secret, so localStorage. */
class TerminalPrefs {
  readonly smallest = 8;
  readonly largest = 24;
  #size = $state(bounded(Number(localStorage.getItem(SIZE) ?? "13")));
  #reader = $state(localStorage.getItem(READER) === "on");

  /** Pixels. */
  get size(): number {
    return this.#size;
  }

  set size(value: number) {
    this.#size = bounded(value);
    localStorage.setItem(SIZE, String(this.#size));
  }

  /** Whether what is written is read out. */
  get reader(): boolean {
    return this.#reader;
  }

  set reader(value: boolean) {
    this.#reader = value;
    localStorage.setItem(READER, value ? "on" : "off");
  }
}

function bounded(size: number): number {
  return Number.isFinite(size) ? Math.min(24, Math.max(8, Math.round(size))) : 13;
}

export const terminalPrefs = new TerminalPrefs();
