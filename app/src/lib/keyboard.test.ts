import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { keyboard } from "./keyboard";
import { router } from "./router/router.svelte";

let off: () => void;
const pressed = vi.fn();

function show(names: readonly string[], inside = (html: HTMLElement): HTMLElement => html): void {
  const main = document.createElement("main");
  for (const name of names) {
    const button = document.createElement("button");
    button.dataset["testid"] = name;
    button.addEventListener("click", () => pressed(name));
    main.append(button);
  }
  document.body.append(inside(main));
}
function key(name: string, more: KeyboardEventInit = {}): void {
  document.body.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true, cancelable: true, ...more }));
}

beforeEach(() => {
  pressed.mockClear();
  off = keyboard({ keys: () => undefined, palette: () => undefined });
});
afterEach(() => {
  off();
  document.body.replaceChildren();
  router.go({ name: "inbox", approvalId: null });
});

describe("the keys of a review", () => {
  it("move, skip back, take back and open it", () => {
    router.go({ name: "review", approvalId: null });
    show(["review-next", "review-previous", "review-undo", "review"]);
    for (const name of ["j", "k", "u", "r"]) key(name);
    expect(pressed.mock.calls.flat()).toEqual(["review-next", "review-previous", "review-undo", "review"]);
  });

  it("unfold what the card keeps folded, unless a button has the focus", () => {
    router.go({ name: "review", approvalId: null });
    const card = document.createElement("section");
    card.dataset["detailCard"] = "";
    const summary = document.createElement("summary");
    summary.addEventListener("click", () => pressed("summary"));
    card.append(summary);
    show([], (main) => {
      main.append(card);
      return main;
    });
    key("Enter");
    summary.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
    expect(pressed.mock.calls.flat()).toEqual(["summary"]);
  });

  it("go back to the inbox with escape", () => {
    router.go({ name: "review", approvalId: "a" }, true);
    const back = vi.spyOn(router, "back").mockImplementation(() => undefined);
    key("Escape");
    expect(back).toHaveBeenCalledWith({ name: "inbox", approvalId: null });
    back.mockRestore();
  });
});

describe("a key that is held down", () => {
  it("decides once: the next card would come under it", () => {
    const card = document.createElement("section");
    card.dataset["detailCard"] = "";
    show(["allow-once", "deny", "review-undo"], (main) => {
      card.append(main);
      return card;
    });
    for (const name of ["a", "d", "u"]) {
      key(name);
      key(name, { repeat: true });
      key(name, { repeat: true });
    }
    expect(pressed.mock.calls.flat()).toEqual(["allow-once", "deny", "review-undo"]);
  });
});
