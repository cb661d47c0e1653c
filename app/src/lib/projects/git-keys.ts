import { tick } from "svelte";
import { free } from "../keyboard";

/** A place in a change: a hunk, and lines of it by their index. */
export interface LinesAt {
  readonly hunk: string;
  readonly lines: readonly number[];
}

/** What is staged or taken back out line by line, on a screen that has lines. */
export interface LineStaging {
  /** Some lines are chosen. */
  readonly some: boolean;
  /** Chooses the changed ones of these lines and nothing else; the number of them. */
  choose(lines: readonly LinesAt[]): number;
  /** Chooses from one row to another, both included, in either order; the number of lines. */
  range(from: LinesAt, to: LinesAt, sides: boolean): number;
  clear(): void;
  /** Stages the chosen ones, or takes them out. */
  move(): void;
}

/** What the keys need of the screen. `moved`: tells it once that is done. */
export interface KeysHost {
  staging(): LineStaging | null;
  say(what: "line" | "range" | "nothing", of: string | number): void;
  moved(): void;
}

/** Files, hunks, lines, and blocks of lines that are not drawn. */
const DRAWN = "[data-nav-item], [data-head], [data-row]";
const ITEMS = `${DRAWN}, [data-block]:empty`;
/** So much of a line is read out. */
const SAID = 300;

/**
 * The keys of a repository's screens: from file to file, hunk to hunk, line to line, and what can be done there. What has the focus keeps it when it is read
 * again: if it is gone, what stands in its place has it. `stop` ends it.
 */
export class GitKeys {
  readonly #root: HTMLElement;
  readonly #host: KeysHost;
  readonly #observer: MutationObserver;
  /** Where the focus was last, to be found again. */
  #last: {
    readonly element: HTMLElement;
    readonly item: HTMLElement;
    readonly key: string;
    readonly at: number;
    readonly pane: string;
  } | null = null;
  #anchor: LinesAt | null = null;
  /** A file was opened by keyboard: the focus goes into it once it is there. */
  #entering = false;

  constructor(root: HTMLElement, host: KeysHost) {
    this.#root = root;
    this.#host = host;
    document.addEventListener("keydown", this.#down);
    document.addEventListener("keyup", this.#up);
    root.addEventListener("focusin", this.#focused);
    root.addEventListener("focusout", this.#left);
    // The whole page: a sheet that closes gives the focus back to what may be gone.
    this.#observer = new MutationObserver(() => this.#keep());
    this.#observer.observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ["disabled"] });
  }

  stop(): void {
    document.removeEventListener("keydown", this.#down);
    document.removeEventListener("keyup", this.#up);
    this.#root.removeEventListener("focusin", this.#focused);
    this.#root.removeEventListener("focusout", this.#left);
    this.#observer.disconnect();
  }

  readonly #down = (event: KeyboardEvent): void => {
    if (!free(event)) return;
    switch (event.key) {
      case "j":
      case "k":
        void this.#step(event.key === "j" ? 1 : -1);
        break;
      case "[":
      case "]":
        void this.#step(event.key === "]" ? 1 : -1, "[data-change]");
        break;
      case " ":
      case "s":
        if (!this.#item() || (event.key === " " && !this.#current())) return;
        this.#move();
        break;
      case "v":
        if (!this.#range()) return;
        break;
      case "c": {
        const row = this.#row();
        if (!row) return;
        const side = [...row.querySelectorAll<HTMLElement>("[data-side]:not(.none)")].at(-1) ?? row;
        side.dispatchEvent(new MouseEvent("contextmenu", { bubbles: true, cancelable: true }));
        break;
      }
      case "Enter":
        if (document.activeElement?.matches('[data-testid="change"], [data-testid="diff-file"]')) this.#enter();
        return; // and it is opened as by a tap
      case "Escape":
        if (!this.#out()) return;
        break;
      default:
        return;
    }
    event.preventDefault();
  };

  /** Firefox presses a button when the space bar comes up. */
  readonly #up = (event: KeyboardEvent): void => {
    if (event.key === " " && free(event) && this.#current()) event.preventDefault();
  };

  readonly #focused = (event: FocusEvent): void => {
    const element = event.target as HTMLElement;
    const item = itemOf(element);
    if (!item) return;
    const pane = paneOf(item);
    this.#last = { element, item, key: keyOf(item), at: this.#items(pane).indexOf(item), pane };
  };

  /** Somebody went elsewhere by their own will: what goes away then is not missed. */
  readonly #left = (event: FocusEvent): void => {
    if (event.relatedTarget !== null) {
      if (!this.#root.contains(event.relatedTarget as Node)) this.#last = null;
      return;
    }
    const { target } = event;
    queueMicrotask(() => {
      const stays = target instanceof HTMLElement && target.isConnected && !target.matches(":disabled");
      if (stays && document.activeElement !== target && !document.querySelector("dialog[open]")) this.#last = null;
    });
  };

  #keep(): void {
    if (this.#entering) this.#arrive();
    const last = this.#last;
    if (!last || document.querySelector("dialog[open]")) return;
    const active = document.activeElement;
    const lost = active === null || active === document.body || (active === last.element && active.matches(":disabled"));
    if (!lost) return;
    const items = this.#items(last.pane);
    const to = last.item.isConnected
      ? last.item
      : (items.find((item) => keyOf(item) === last.key) ?? items[Math.min(last.at, items.length - 1)] ?? this.#items("")[0]);
    (to ?? this.#root.querySelector<HTMLElement>('[data-testid="git-back"]'))?.focus();
  }

  #items(pane: string): HTMLElement[] {
    const within = pane === "" ? this.#root : (this.#root.querySelector(`[data-pane="${pane}"]`) ?? this.#root);
    return [...within.querySelectorAll<HTMLElement>(ITEMS)];
  }

  /** What has the focus, if it is a file, a hunk or a line itself and not a button in it. */
  #current(): HTMLElement | null {
    const active = document.activeElement;
    return active instanceof HTMLElement && this.#root.contains(active) && active.matches(DRAWN) ? active : null;
  }

  #item(): HTMLElement | null {
    const active = document.activeElement;
    return active instanceof HTMLElement && this.#root.contains(active) ? itemOf(active) : null;
  }

  #row(): HTMLElement | null {
    const item = this.#item();
    return item?.dataset["row"] === undefined ? null : item;
  }

  /** To the next item in the pane that has the focus, or the next that `matches`. Blocks on the way are drawn. */
  async #step(by: 1 | -1, matches = DRAWN): Promise<void> {
    const from = this.#item();
    const pane = from && !(matches !== DRAWN && paneOf(from) === "list") ? paneOf(from) : this.#hasLines() ? "detail" : "";
    const items = this.#items(pane);
    let at = from ? items.indexOf(from) : by > 0 ? -1 : items.length;
    if (from && at < 0) at = by > 0 ? -1 : items.length; // it is in the other pane
    for (at += by; at >= 0 && at < items.length; at += by) {
      const item = items[at];
      if (!item) return;
      let to: HTMLElement | null | undefined = item.matches(matches) ? item : null;
      if (item.matches("[data-block]")) {
        item.dispatchEvent(new Event("draw", { bubbles: true }));
        await tick();
        const found = [...item.querySelectorAll<HTMLElement>(matches)];
        to = by > 0 ? found[0] : found.at(-1);
      }
      if (!to) continue;
      this.#goTo(to);
      return;
    }
  }

  #hasLines(): boolean {
    return this.#root.querySelector('[data-pane="detail"] :is([data-head], [data-row], [data-nav-item])') !== null;
  }

  #goTo(item: HTMLElement): void {
    item.focus({ preventScroll: true });
    item.scrollIntoView({ block: "nearest" });
    const row = placeOf(item);
    if (!row) return;
    const range = this.#anchor ? this.#host.staging()?.range(this.#anchor, row, item.classList.contains("pair")) : undefined;
    if (range !== undefined) this.#host.say("range", range);
    else this.#host.say("line", lineTexts(item).slice(0, SAID));
  }

  #move(): void {
    const item = this.#item();
    if (!item) return;
    item.focus(); // a button in it is switched off meanwhile
    const staging = this.#host.staging();
    const row = placeOf(item);
    if (row && staging) {
      if (!staging.some && staging.choose([row]) === 0) {
        this.#host.say("nothing", 0);
        return;
      }
      this.#anchor = null;
      this.#host.moved();
      staging.move();
      return;
    }
    const within = item.dataset["head"] === undefined ? item.closest("li") : item;
    const button = within?.querySelector<HTMLButtonElement>(
      '[data-testid="stage"], [data-testid="unstage"], [data-testid="stage-hunk"], [data-testid="unstage-hunk"]',
    );
    if (!button || button.disabled) return;
    this.#host.moved();
    button.click();
  }

  #range(): boolean {
    const [row, staging] = [this.#row(), this.#host.staging()];
    if (!row || !staging) return false;
    if (this.#anchor) {
      this.#anchor = null;
      staging.clear();
      this.#host.say("range", 0);
      return true;
    }
    this.#anchor = placeOf(row);
    if (this.#anchor) this.#host.say("range", staging.range(this.#anchor, this.#anchor, row.classList.contains("pair")));
    return true;
  }

  #enter(): void {
    this.#entering = true;
    queueMicrotask(() => this.#arrive());
  }

  /** Into what was opened, once it is there and it is not the one that was there before. */
  #arrive(): void {
    const opened = document.activeElement;
    if (opened instanceof HTMLElement && opened.dataset["testid"] === "diff-file") {
      this.#entering = false; // its lines are below it
      return;
    }
    const pane = this.#root.querySelector<HTMLElement>('[data-pane="detail"]');
    const path = opened instanceof HTMLElement ? opened.dataset["path"] : undefined;
    const shown = pane?.querySelector<HTMLElement>("[data-diff-of]");
    if (!pane || !shown || (path !== undefined && shown.dataset["diffOf"] !== path)) return;
    const first = shown.querySelector<HTMLElement>("[data-head], [data-row]");
    if (!first) return;
    this.#entering = false;
    this.#goTo(first);
  }

  /** One step back: out of the range, then out of the lines to their file. */
  #out(): boolean {
    if (this.#anchor || this.#host.staging()?.some) {
      this.#anchor = null;
      this.#host.staging()?.clear();
      this.#host.say("range", 0);
      return true;
    }
    const item = this.#item();
    if (!item || paneOf(item) !== "detail") return false;
    const path = item.closest<HTMLElement>("[data-diff-of]")?.dataset["diffOf"];
    const list = this.#root.querySelector('[data-pane="list"]');
    const files = [...(list?.querySelectorAll<HTMLElement>("[data-nav-item]") ?? [])];
    const to = files.find((file) => file.dataset["path"] === path && file.getAttribute("aria-current") !== null) ?? files[0];
    if (!to) return false;
    this.#goTo(to);
    return true;
  }
}

function itemOf(element: HTMLElement): HTMLElement | null {
  return element.closest<HTMLElement>(DRAWN) ?? element.closest("li")?.querySelector<HTMLElement>(DRAWN) ?? null;
}

const paneOf = (item: HTMLElement): string => item.closest<HTMLElement>("[data-pane]")?.dataset["pane"] ?? "";

function keyOf(item: HTMLElement): string {
  const { path, head, hunk, row } = item.dataset;
  return [item.closest<HTMLElement>("section")?.dataset["testid"], path, head, hunk, row].join("\n");
}

function placeOf(item: HTMLElement): LinesAt | null {
  const { hunk, row } = item.dataset;
  return hunk === undefined || row === undefined ? null : { hunk, lines: row.split(" ").map(Number) };
}

function lineTexts(row: HTMLElement): string {
  const cells = [...row.querySelectorAll<HTMLElement>('[data-side]:not(.none):not([aria-hidden="true"])')];
  return (cells.length > 0 ? cells : [row])
    .map((cell) => `${cell.querySelector(".no")?.textContent.trim() ?? ""} ${cell.querySelector(".text")?.textContent ?? ""}`)
    .join(" ");
}
