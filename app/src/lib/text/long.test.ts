import { describe, expect, it } from "vitest";
import { PAGE, pagesOf, TAIL, tailOf } from "./long";
import { parseMarkdown } from "./markdown";

const answer = (size: number): string => {
  let text = "";
  for (let i = 0; text.length < size; i++)
    text +=
      i % 7 === 0
        ? `## Part ${i}\n\n`
        : i % 5 === 0
          ? `\`\`\`ts\nconst x = ${i};\n\nconst y = 2;\n\`\`\`\n\n`
          : `Words of the answer ${i}, **bold** and \`code\`.\n\n`;
  return text;
};

/** No half of a surrogate pair. */
const isWhole = (text: string): boolean => !/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(text);

describe("a long answer", () => {
  it("is cut into pages that hold all of it, in order, none longer than the bound", () => {
    for (const text of [
      answer(2_000_000),
      "x".repeat(500_000),
      "😀".repeat(100_000),
      `\`\`\`\n${"line\n".repeat(60_000)}\`\`\`\n`,
      "\n".repeat(200_000),
    ]) {
      const pages = pagesOf(text);
      expect(Math.max(...pages.map((page) => page.length))).toBeLessThanOrEqual(PAGE + 300);
      const bare = pages.join("").replaceAll("\n```", "").replaceAll("```\n", "").replaceAll("```", "");
      expect(bare.replaceAll("\n", "")).toBe(
        text.replaceAll("\n```", "").replaceAll("```\n", "").replaceAll("```", "").replaceAll("\n", ""),
      );
      expect(pages.every(isWhole)).toBe(true);
    }
  });

  it("is drawn as the same blocks as in one piece", () => {
    const text = answer(400_000);
    expect(pagesOf(text).flatMap((page) => parseMarkdown(page))).toEqual(parseMarkdown(text));
  });

  it("stays code on both sides of a cut through a fence", () => {
    const pages = pagesOf(`\`\`\`ts\n${"const x = 1;\n".repeat(20_000)}\`\`\`\nafter\n`);
    expect(pages.length).toBeGreaterThan(3);
    for (const page of pages) expect(parseMarkdown(page)[0]).toMatchObject({ kind: "code", language: "ts" });
    expect(parseMarkdown(pages.at(-1) ?? "").at(-1)).toMatchObject({ kind: "paragraph" });
  });

  it("takes twice the work for twice the text, drawn page by page or while it grows", () => {
    const work = (size: number): number => {
      const text = answer(size);
      let read = pagesOf(text).reduce((sum, page) => sum + page.length, 0);
      for (let length = 0; length < text.length; length += 2_000)
        read += Math.min(length, tailOf(text.slice(Math.max(0, length - TAIL), length)).length);
      return read;
    };
    expect(work(2_000_000) / work(1_000_000)).toBeLessThan(2.1);
  });

  it("has an end that begins with a line and is never half a character", () => {
    expect(tailOf("short")).toBe("short");
    expect(tailOf(`${"a".repeat(100)}\n${"b".repeat(50)}`, 60)).toBe("b".repeat(50));
    expect(isWhole(tailOf("😀".repeat(40), 51))).toBe(true);
    expect(tailOf("x".repeat(100), 10)).toBe("x".repeat(10));
  });
});
