import { describe, expect, it } from "vitest";
import { blameBlocks } from "./blame";
import { isText } from "./paths";

const commit = (letter: string, at: string | null = null) => ({ sha: letter.repeat(40), author: "Ada", at, subject: letter, path: "a.ts" });
const line = (number: number, of: number) => ({ line: number, originalLine: number, commit: of, text: `line ${number}` });

describe("who wrote which line", () => {
  it("puts lines of one commit that stand together into one block, and apart when another is between them", () => {
    const blocks = blameBlocks([{ commits: [commit("a"), commit("b")], lines: [line(1, 0), line(2, 0), line(3, 1), line(4, 0)] }]);
    expect(blocks.map((block) => [block.commit.subject, block.lines.map((one) => one.number)])).toEqual([
      ["a", [1, 2]],
      ["b", [3]],
      ["a", [4]],
    ]);
  });

  it("joins what goes on over a page's end, although each page numbers its commits anew", () => {
    const blocks = blameBlocks([
      { commits: [commit("a"), commit("b")], lines: [line(1, 0), line(2, 1)] },
      { commits: [commit("b"), commit("a")], lines: [line(3, 0), line(4, 1)] },
    ]);
    expect(blocks.map((block) => [block.commit.subject, block.lines.length])).toEqual([
      ["a", 1],
      ["b", 2],
      ["a", 1],
    ]);
  });

  it("does not join over a gap", () => {
    expect(
      blameBlocks([
        { commits: [commit("a")], lines: [line(1, 0)] },
        { commits: [commit("a")], lines: [line(9, 0)] },
      ]),
    ).toHaveLength(2);
  });

  it("grades by age: the oldest is 0, the newest and what is in no commit is 4", () => {
    const blocks = blameBlocks([
      {
        commits: [
          commit("a", "2026-01-01T00:00:00Z"),
          commit("b", "2026-03-01T00:00:00Z"),
          commit("c", "2026-02-01T00:00:00Z"),
          commit("0"),
        ],
        lines: [line(1, 0), line(2, 1), line(3, 2), line(4, 3)],
      },
    ]);
    expect(blocks.map((block) => [block.age, block.committed])).toEqual([
      [0, true],
      [4, true],
      [2, true],
      [4, false],
    ]);
  });

  it("loses no line, whatever the order of commits", () => {
    const seed = Math.floor(Math.random() * 1e9);
    let state = seed;
    const random = (below: number): number => {
      state = (state * 1103515245 + 12345) % 2147483648;
      return state % below;
    };
    for (let round = 0; round < 200; round++) {
      const commits = Array.from({ length: 1 + random(5) }, (_, n) =>
        commit(String.fromCharCode(97 + n), n === 0 ? null : new Date(random(1e6) * 1e6).toISOString()),
      );
      const lines = Array.from({ length: random(40) }, (_, n) => line(n + 1, random(commits.length)));
      const blocks = blameBlocks([{ commits, lines }]);
      expect(
        blocks.flatMap((block) => block.lines.map((one) => one.number)),
        `seed ${seed}`,
      ).toEqual(lines.map((one) => one.line));
      expect(
        blocks.every((block) => block.age >= 0 && block.age <= 4),
        `seed ${seed}`,
      ).toBe(true);
      expect(
        blocks.every((block, at) => at === 0 || blocks[at - 1]?.commit.sha !== block.commit.sha),
        `seed ${seed}`,
      ).toBe(true);
    }
  });
});

describe("paths for git", () => {
  it("can be an argument of git's unless they have bytes that are no text", () => {
    expect(["src/a.ts", "a\\\\b", "a\\\\x{41}", "a\\u{202e}b", "ünï"].map(isText)).toEqual([true, true, true, true, true]);
    expect(["a\\x{ff}", "\\x{ff}", "a\\\\\\x{ff}"].map(isText)).toEqual([false, false, false]);
  });
});
