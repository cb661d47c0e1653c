import { describe, expect, it } from "vitest";
import { match, ranked } from "./match";

const best = (query: string, ...titles: string[]): string[] => ranked(query, titles, (title) => title, 10);

describe("the palette's matching", () => {
  it("takes letters in order, and nothing else", () => {
    expect(match("gtlg", "Git: log")).not.toBeNull();
    expect(match("glx", "Git: log")).toBeNull();
    expect(match("gol tig", "Git: log")).toBeNull();
  });

  it("puts whole words before parts, and beginnings before middles", () => {
    expect(best("log", "Catalogue", "api: Log", "l-o-g")).toEqual(["api: Log", "Catalogue", "l-o-g"]);
    expect(best("gb", "debug build", "Git: branches")).toEqual(["Git: branches", "debug build"]);
  });

  it("keeps the order when nothing is typed, and leaves out what does not fit", () => {
    expect(best("", "b", "a", "c")).toEqual(["b", "a", "c"]);
    expect(best("zz", "b", "a")).toEqual([]);
  });

  it("never fails and never gives more than it was asked for, whatever is typed", () => {
    for (const query of ["\u0000", "((", "\ud83d", "  ", "🙂", "a".repeat(5000)])
      expect(ranked(query, ["a", "🙂 b", ""], (title) => title, 2).length).toBeLessThanOrEqual(2);
  });
});
