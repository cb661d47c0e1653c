import { describe, expect, it } from "vitest";
import { barKey, hasNewline, modified, portions } from "./keys";

const none = { ctrl: false, alt: false };

describe("the key bar", () => {
  it("sends what a terminal sends", () => {
    expect(barKey("esc", none, false)).toBe("\x1b");
    expect(barKey("tab", none, false)).toBe("\t");
    expect(barKey("up", none, false)).toBe("\x1b[A");
    expect(barKey("up", none, true)).toBe("\x1bOA");
    expect(barKey("left", { ctrl: true, alt: false }, true)).toBe("\x1b[1;5D");
    expect(barKey("right", { ctrl: true, alt: true }, false)).toBe("\x1b[1;7C");
    expect(barKey("pgup", none, false)).toBe("\x1b[5~");
    expect(barKey("pgdn", { ctrl: false, alt: true }, false)).toBe("\x1b[6;3~");
    expect(barKey("|", none, false)).toBe("|");
    expect(barKey("-", { ctrl: true, alt: false }, false)).toBe("\x1f");
  });

  it("applies sticky keys to one character and leaves words alone", () => {
    expect(modified("c", { ctrl: true, alt: false })).toBe("\x03");
    expect(modified("C", { ctrl: true, alt: false })).toBe("\x03");
    expect(modified("[", { ctrl: true, alt: false })).toBe("\x1b");
    expect(modified(" ", { ctrl: true, alt: false })).toBe("\0");
    expect(modified("b", { ctrl: false, alt: true })).toBe("\x1bb");
    expect(modified("d", { ctrl: true, alt: true })).toBe("\x1b\x04");
    expect(modified("ż", { ctrl: true, alt: false })).toBe("ż");
    expect(modified("word", { ctrl: true, alt: true })).toBe("word");
    expect(modified("x", none)).toBe("x");
  });

  it("cuts long text between characters only", () => {
    expect(portions("", 4)).toEqual([]);
    expect(portions("abcdef", 4)).toEqual(["abcd", "ef"]);
    expect(portions("abc👩d", 4)).toEqual(["abc", "👩d"]);
    const long = "a👩".repeat(5000);
    expect(portions(long, 1001).join("")).toBe(long);
    expect(portions(long, 1001).some((part) => /[\ud800-\udbff]$/.test(part))).toBe(false);
  });

  it("knows which paste could run by itself", () => {
    expect(hasNewline("ls -l")).toBe(false);
    expect(hasNewline("ls\n")).toBe(true);
    expect(hasNewline("ls\rpwd")).toBe(true);
  });
});
