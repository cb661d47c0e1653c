import { afterEach, describe, expect, it, vi } from "vitest";
import { badge, vibrate } from "./feel";

const given: string[] = [];
/** Gives the browser a function that it may lack, until the test is over. */
function give(name: string, value: unknown): void {
  Object.defineProperty(navigator, name, { configurable: true, writable: true, value });
  given.push(name);
}
function take(name: string): void {
  if (name in Object.getPrototypeOf(navigator)) throw new Error(`the test's browser has ${name} by itself`);
  Reflect.deleteProperty(navigator, name);
}
afterEach(() => {
  for (const name of given.splice(0)) Reflect.deleteProperty(navigator, name);
});

describe("the number on the app's icon", () => {
  it("is what waits, and goes when nothing does", () => {
    const set = vi.fn(async () => undefined);
    const clear = vi.fn(async () => undefined);
    give("setAppBadge", set);
    give("clearAppBadge", clear);
    badge(3);
    expect(set).toHaveBeenCalledWith(3);
    expect(clear).not.toHaveBeenCalled();
    badge(0);
    expect(clear).toHaveBeenCalledTimes(1);
    expect(set).toHaveBeenCalledTimes(1); // a 0 would be shown as a dot by some
  });

  it("is missing without a word where a browser has none or forbids it", async () => {
    take("setAppBadge");
    expect(() => badge(3)).not.toThrow();
    const no = vi.fn(async () => Promise.reject(new DOMException("no", "NotAllowedError")));
    const lost = vi.fn();
    process.on("unhandledRejection", lost);
    give("setAppBadge", no);
    give("clearAppBadge", no);
    badge(3);
    badge(0);
    await new Promise((resolve) => setTimeout(resolve, 0));
    process.off("unhandledRejection", lost);
    expect(no).toHaveBeenCalledTimes(2);
    expect(lost).not.toHaveBeenCalled();
  });
});

describe("the tick under the finger", () => {
  it("is one and short, and nothing where a device has none", () => {
    const tick = vi.fn(() => true);
    give("vibrate", tick);
    vibrate();
    expect(tick.mock.calls).toEqual([[12]]);
    Reflect.deleteProperty(navigator, "vibrate");
    expect(() => vibrate()).not.toThrow();
  });
});
