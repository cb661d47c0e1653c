import { router } from "./router/router.svelte";

interface Actions {
  keys(): void;
  palette(): void;
}

/** How long the second key of `g i` may take. */
const SEQUENCE_MS = 1200;

/** The keys of the whole app. Returns what takes them away again. Nothing happens while something is being typed or a sheet is open, but that Ctrl+K and Cmd+K open the palette from a text field too. */
export function keyboard(actions: Actions): () => void {
  let went = 0;

  const pressed = (event: KeyboardEvent): void => {
    if (
      event.key.toLowerCase() === "k" &&
      (event.metaKey || event.ctrlKey) &&
      !event.altKey &&
      !event.shiftKey &&
      !event.defaultPrevented &&
      !inTerminal(event) &&
      !document.querySelector("dialog[open]")
    ) {
      event.preventDefault();
      actions.palette();
      return;
    }
    if (!free(event)) return;
    const after = went;
    went = 0;
    if (after > 0 && event.timeStamp - after < SEQUENCE_MS && goto(event.key)) {
      event.preventDefault();
      return;
    }
    switch (event.key) {
      case "j":
      case "k":
        if (router.route.name === "review") click(event.key === "j" ? "review-next" : "review-previous");
        else move(event.key === "j" ? 1 : -1);
        break;
      case "a":
      case "d":
        // A key that is held down decides once: the next card would come under it.
        if (!event.repeat) press(event.key === "a" ? "allow-once" : "deny");
        break;
      case "r":
      case "u":
        if (event.repeat || !click(event.key === "r" ? "review" : "review-undo")) return;
        break;
      case "n":
        router.go({ name: "new", projectId: null });
        break;
      case "w":
        if (!click("waiting-next")) return;
        break;
      case "b":
        if (!click("diff-sides")) return;
        break;
      case "[":
      case "]":
        if (!click(event.key === "]" ? "next-change" : "previous-change")) return;
        break;
      case "x": {
        const box = document.activeElement?.closest("li")?.querySelector<HTMLElement>("[data-pick]");
        if (!box) return;
        box.click();
        break;
      }
      case "g":
        went = event.timeStamp;
        return;
      case "/": {
        const field = document.querySelector<HTMLElement>("[data-search]");
        const find = document.querySelector<HTMLElement>("[data-find]");
        if (find) find.click();
        else if (field) field.focus();
        else return;
        break;
      }
      case "?":
        actions.keys();
        break;
      case "Enter":
        // What has the focus takes it; in a review that is the card, which opens what it keeps folded.
        if (router.route.name !== "review" || (event.target as Element).closest?.("a, button, summary, label") || event.repeat) return;
        document.querySelector<HTMLElement>("[data-detail-card] summary")?.click();
        break;
      case "Escape":
        {
          const selecting = document.querySelector<HTMLElement>("[data-leave-selection]");
          if (selecting) {
            selecting.click();
            break;
          }
        }
        if (router.route.name === "inbox" && router.route.approvalId) router.go({ name: "inbox", approvalId: null });
        else if (router.route.name === "sessions" && router.route.agentSessionId) router.go({ name: "sessions", agentSessionId: null });
        else if (router.route.name === "review") router.back({ name: "inbox", approvalId: null });
        else if (router.route.name === "project") router.back({ name: "machine" });
        else if (router.route.name === "machine" && router.route.page) router.back({ name: "machine" });
        else if (router.route.name === "you" && router.route.page) router.go({ name: "you", page: null });
        else return;
        break;
      default:
        return;
    }
    event.preventDefault();
  };

  addEventListener("keydown", pressed);
  return () => removeEventListener("keydown", pressed);
}

/** Whether a key is nobody's yet: not typed into a field, not with Ctrl, Cmd or Alt, and no sheet is open. */
export function free(event: KeyboardEvent): boolean {
  return !(
    event.defaultPrevented ||
    event.ctrlKey ||
    event.metaKey ||
    event.altKey ||
    typing(event.composedPath()[0] ?? event.target) ||
    document.querySelector("dialog[open]")
  );
}

/** There Ctrl+K is the shell's; Cmd+K is nobody's. */
function inTerminal(event: KeyboardEvent): boolean {
  const [first] = event.composedPath();
  return !event.metaKey && first instanceof HTMLElement && first.closest(".xterm") !== null;
}

function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName));
}

function goto(key: string): boolean {
  switch (key) {
    case "i":
      router.go({ name: "inbox", approvalId: null });
      return true;
    case "s":
      router.go({ name: "sessions", agentSessionId: null });
      return true;
    case "m":
      router.go({ name: "machine" });
      return true;
    case "y":
      router.go({ name: "you", page: null });
      return true;
    default:
      return false;
  }
}

/** To the next or previous item of the list in view. */
function move(by: number): void {
  const items = [...document.querySelectorAll<HTMLElement>("main [data-nav-item]")].filter((item) => item.offsetParent !== null);
  if (items.length === 0) return;
  const at = items.findIndex((item) => item === document.activeElement || item.getAttribute("aria-current") === "true");
  const focused = items.indexOf(document.activeElement as HTMLElement);
  const from = focused >= 0 ? focused : at;
  const next = items[from < 0 ? 0 : Math.min(items.length - 1, Math.max(0, from + by))];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

/** Presses the button of that name. False: there is no such button now. */
function click(testId: string): boolean {
  const button = document.querySelector<HTMLElement>(`[data-testid="${testId}"]`);
  button?.click();
  return button !== null;
}

/** Only on the card that is meant without doubt: the focused one, or the one that is open beside the inbox. */
function press(testId: string): void {
  const focused = document.activeElement?.closest('[data-testid="approval-card"]');
  const card = focused ?? document.querySelector("[data-detail-card]");
  card?.querySelector<HTMLButtonElement>(`[data-testid="${testId}"]`)?.click();
}
