import { describe, expect, it } from "vitest";
import { mentionAt, withMention } from "./mention";

const at = (marked: string): ReturnType<typeof mentionAt> => mentionAt(marked.replace("|", ""), marked.indexOf("|"));

describe("mentions of files", () => {
  it("begin at an @ at the start of a word and end at the caret", () => {
    expect(at("@|")).toEqual({ start: 0, query: "" });
    expect(at("look at @src/se|")).toEqual({ start: 8, query: "src/se" });
    expect(at("(@a|b)")).toEqual({ start: 1, query: "a" });
    expect(at('see @"a na|')).toEqual({ start: 4, query: "a na" });
    expect(at("line\n@x|")).toEqual({ start: 5, query: "x" });
  });

  it("are not in an address, after a space or before the caret", () => {
    expect(at("me@example.com|")).toBeNull();
    expect(at("@src done|")).toBeNull();
    expect(at("|@src")).toBeNull();
    expect(at('@"a" b|')).toBeNull();
  });

  it("are replaced by the path, quoted when it has spaces", () => {
    const text = "see @ses now";
    const mention = mentionAt(text, 8);
    expect(mention && withMention(text, 8, mention, "src/session.ts")).toEqual({ text: "see @src/session.ts now", caret: 20 });
    expect(mention && withMention("see @ses", 8, mention, "a b.ts")).toEqual({ text: 'see @"a b.ts" ', caret: 14 });
  });

  it("never throw and never change what stands before them, whatever is typed", () => {
    let seed = Date.now() % 2147483647;
    console.info(`seed ${seed}`);
    const next = (n: number): number => (seed = (seed * 48271) % 2147483647) % n;
    for (let i = 0; i < 3000; i++) {
      const text = Array.from({ length: next(20) }, () => '@"a/ \n(é😀.'[next(10)] ?? "").join("");
      const caret = next(text.length + 1);
      const mention = mentionAt(text, caret);
      if (!mention) continue;
      const done = withMention(text, caret, mention, "x y");
      expect(done.text.startsWith(text.slice(0, mention.start))).toBe(true);
      expect(done.text.slice(0, done.caret).trimEnd().endsWith('@"x y"')).toBe(true);
    }
  });
});
