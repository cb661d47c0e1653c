/** What a page knows of whether somebody looks at it. */
export interface Eyes {
  sees(): boolean;
  /** Tells when that may have changed; returns what ends it. */
  watch(changed: () => void): () => void;
}

/** The page is in view and has the keyboard: an app beside it on a desk that nobody uses is not looked at. */
export function pageEyes(): Eyes {
  return {
    sees: () => document.visibilityState === "visible" && document.hasFocus(),
    watch: (changed) => {
      document.addEventListener("visibilitychange", changed);
      const events = ["focus", "blur", "pageshow", "pagehide"] as const;
      for (const event of events) addEventListener(event, changed);
      return () => {
        document.removeEventListener("visibilitychange", changed);
        for (const event of events) removeEventListener(event, changed);
      };
    },
  };
}

/**
 * Tells the machine whether a person can see the app, on each connection and when it changes. It counts for 45 s after the last message of the connection: the link
 * pings every 15 s, so it need not be said again, and a page that the system froze is not looked at for longer than that.
 */
export class Presence {
  readonly #say: (visible: boolean) => Promise<unknown>;
  readonly #eyes: Eyes;
  readonly #stop: () => void;
  #connected = false;
  #said: boolean | null = null;

  /** `say` may fail: the connection is over then, and with it what was said on it. */
  constructor(say: (visible: boolean) => Promise<unknown>, eyes: Eyes = pageEyes()) {
    this.#say = say;
    this.#eyes = eyes;
    this.#stop = eyes.watch(() => this.#look());
  }

  connected(): void {
    this.#connected = true;
    this.#said = null;
    this.#look();
  }

  disconnected(): void {
    this.#connected = false;
  }

  stop(): void {
    this.#stop();
    this.#connected = false;
  }

  #look(): void {
    const sees = this.#eyes.sees();
    if (!this.#connected || sees === this.#said) return;
    this.#said = sees;
    this.#say(sees).catch(() => undefined);
  }
}
