import { describe, expect, it } from "vitest";
import { rangesOf } from "./marks";

function tree(...parts: string[]): HTMLElement {
  const root = document.createElement("div");
  for (const part of parts) {
    const span = document.createElement("span");
    span.textContent = part;
    root.append(span);
  }
  return root;
}
const found = (root: Node, query: string, limit?: number): string[] => rangesOf(root, query, limit).map((range) => range.toString());

describe("marks of a search", () => {
  it("finds in any case, and over several nodes", () => {
    expect(found(tree("Hash the pass", "word, hash it"), "password")).toEqual(["password"]);
    expect(found(tree("Hash the ", "hash"), "HASH")).toEqual(["Hash", "hash"]);
  });

  it("finds nothing for nothing, and stops at its limit", () => {
    expect(found(tree("aaaa"), "  ")).toEqual([]);
    expect(found(tree("aaaaaa"), "a", 4)).toHaveLength(4);
  });

  it("keeps the places where lower case has another length", () => {
    expect(found(tree("İİ Hash"), "hash")).toEqual(["Hash"]);
  });

  it("marks what a plain search finds, in any cut of any text", () => {
    let seed = 7;
    const next = (below: number): number => (seed = (seed * 1103515245 + 12345) % 2147483648) % below;
    for (let round = 0; round < 300; round++) {
      const text = Array.from({ length: 1 + next(40) }, () => "abİ "[next(4)]).join("");
      const parts: string[] = [];
      for (let at = 0; at < text.length;) {
        const size = 1 + next(5);
        parts.push(text.slice(at, at + size));
        at += size;
      }
      const query = "ab".slice(0, 1 + next(2));
      const expected = text.split(query).length - 1;
      expect(found(tree(...parts), query), `${round}: ${text}`).toEqual(Array.from({ length: expected }, () => query));
    }
  });
});
