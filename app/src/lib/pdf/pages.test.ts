import { afterEach, describe, expect, it, vi } from "vitest";
import type { Answered, Asked } from "./messages";
import { LIMIT_MS, PdfPages, type Reader } from "./pages.svelte";

/** A reader that answers when it is told to. */
class Told implements Reader {
  readonly asked: Asked[] = [];
  ended = false;
  onmessage: ((event: MessageEvent<Answered>) => void) | null = null;
  onerror: ((event: ErrorEvent) => void) | null = null;
  postMessage(asked: Asked): void {
    this.asked.push(asked);
  }

  terminate(): void {
    this.ended = true;
  }

  async answer(answer: Answered | { action: "ready" }): Promise<void> {
    this.onmessage?.({ data: answer } as MessageEvent<Answered>);
    for (let n = 0; n < 5; n++) await Promise.resolve();
  }
}

const drawn = (text: string): Answered => ({ picture: Uint8Array.of(1), text });

afterEach(() => vi.useRealTimers());

describe("a PDF's pages", () => {
  it("opens, draws the first page, and hears nothing but answers", async () => {
    const reader = new Told();
    const pages = new PdfPages(() => reader);
    const content = Uint8Array.of(37, 80);
    const opened = pages.open(content);
    await reader.answer({ action: "ready" }); // the library's own message
    await reader.answer({ pages: 3 });
    expect(reader.asked[1]).toMatchObject({ page: 1 });
    await reader.answer(drawn("one"));
    await opened;
    expect([pages.pages, pages.page, pages.text, pages.problem]).toEqual([3, 1, "one", null]);
    expect(content.length).toBe(2); // what was given stays whole
  });

  it("draws only the last page that was asked for while another was drawn, and none beyond the ends", async () => {
    const reader = new Told();
    const pages = new PdfPages(() => reader);
    const opened = pages.open(new Uint8Array());
    await reader.answer({ pages: 9 });
    void pages.show(2);
    void pages.show(7);
    void pages.show(10);
    void pages.show(0);
    await reader.answer(drawn("one"));
    await reader.answer(drawn("seven"));
    await opened;
    expect(reader.asked.slice(1).map((asked) => "page" in asked && asked.page)).toEqual([1, 7]);
    expect([pages.page, pages.text]).toEqual([7, "seven"]);
  });

  it("passes over a page that can't be drawn", async () => {
    const reader = new Told();
    const pages = new PdfPages(() => reader);
    const opened = pages.open(new Uint8Array());
    await reader.answer({ pages: 2 });
    await reader.answer({ failed: "damaged" });
    await opened;
    expect([pages.page, pages.picture, pages.problem]).toEqual([1, null, null]);
    const next = pages.show(2);
    await reader.answer(drawn("two"));
    await next;
    expect(pages.text).toBe("two");
  });

  it("says when a password is needed, and ends a reader that takes too long", async () => {
    const first = new Told();
    const locked = new PdfPages(() => first);
    const opened = locked.open(new Uint8Array());
    await first.answer({ failed: "password" });
    await opened;
    expect(locked.problem).toBe("password");

    vi.useFakeTimers();
    const second = new Told();
    const slow = new PdfPages(() => second);
    const waiting = slow.open(new Uint8Array());
    await vi.advanceTimersByTimeAsync(LIMIT_MS);
    await waiting;
    expect([slow.problem, second.ended]).toEqual(["slow", true]);
  });

  it("says when the reader itself could not be had", async () => {
    const reader = new Told();
    const pages = new PdfPages(() => reader);
    const opened = pages.open(new Uint8Array());
    reader.onerror?.({} as ErrorEvent);
    await opened;
    expect(pages.problem).toBe("missing");
  });

  it("ends its reader when it is closed", async () => {
    const reader = new Told();
    const pages = new PdfPages(() => reader);
    void pages.open(new Uint8Array());
    pages.close();
    expect(reader.ended).toBe(true);
  });
});
