import { describe, expect, it } from "vitest";
import type { GitDiffLine, GitFileDiff } from "../protocol/generated";
import { parseRoute, pathOf, type Route } from "../router/router.svelte";
import { Choice } from "./choice.svelte";
import { Comments } from "./comments.svelte";
import { parseCsv } from "./csv";
import { lineDiff } from "./linediff";
import { folderOf, lookOf, nameOf, trail, typed } from "./paths";
import { pictureFrame } from "./picture-frame";

/** A seeded generator: the same seed, the same texts. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

describe("addresses of a project", () => {
  it("come back as they were, with slashes, dots, tildes and percent signs in names, and never with a dot", () => {
    for (const name of ["src/a.ts", "..", "a~d.b", "100%/ü .md", "\\u{202e}x", "~"]) {
      const route: Route = { name: "project", projectId: "p1", tab: "files", at: ["file", name, "12"] };
      expect(pathOf(route)).not.toContain(".");
      expect(parseRoute(pathOf(route))).toEqual(route);
    }
  });
  it("are the project's files when they are broken", () => {
    expect(parseRoute("/projects/p1/git/%zz")).toEqual({ name: "project", projectId: "p1", tab: "git", at: [] });
    expect(parseRoute("/projects/p1/nothing")).toEqual({ name: "project", projectId: "p1", tab: "files", at: [] });
    expect(parseRoute("/projects")).toEqual({ name: "machine" });
  });
});

describe("paths", () => {
  it("are taken apart at slashes", () => {
    expect([nameOf("a/b/c.ts"), folderOf("a/b/c.ts"), folderOf("c.ts")]).toEqual(["c.ts", "a/b", ""]);
    expect(trail("a/b")).toEqual([
      { name: "a", path: "a" },
      { name: "b", path: "a/b" },
    ]);
    expect(typed(" /x\\y/ ")).toBe("x\\\\y");
    expect([lookOf("a.MD"), lookOf("b.svg"), lookOf(".png"), lookOf("Makefile")]).toEqual(["markdown", "svg", "text", "text"]);
  });
  it("give a picture's frame no way to say something else", () => {
    expect(pictureFrame(new Uint8Array([1]), "a.png", '"><script>x</script>')).not.toContain("<script>");
  });
});

describe("tables", () => {
  it("know quotes, doubled quotes and line ends within them", () => {
    expect(parseCsv('a,"b ""c""\nd",e\r\n1,2,3\n', ",", 10)).toEqual({
      rows: [
        ["a", 'b "c"\nd', "e"],
        ["1", "2", "3"],
      ],
      cut: false,
    });
  });
  it("end at the bound and take any text", () => {
    expect(parseCsv("1\n2\n3\n", ",", 2)).toEqual({ rows: [["1"], ["2"]], cut: true });
    const random = randomOf(7);
    for (let n = 0; n < 300; n++) {
      const text = Array.from({ length: 40 }, () => 'a,"\n\r\t'.charAt(Math.floor(random() * 6))).join("");
      expect(parseCsv(text, ",", 5).rows.length).toBeLessThanOrEqual(5);
    }
  });
});

describe("the change from one text to another", () => {
  it("leads there, whatever both are", () => {
    const random = randomOf(42);
    for (let n = 0; n < 300; n++) {
      const text = (): string => Array.from({ length: Math.floor(random() * 30) }, () => "abc".charAt(Math.floor(random() * 3))).join("\n");
      const [before, after] = [text(), text()];
      const diff = lineDiff("x", before, after);
      const old = before.split("\n");
      const result: string[] = [];
      let at = 0;
      for (const hunk of diff.hunks) {
        while (at < hunk.oldStart - 1) result.push(old[at++] ?? "");
        expect(hunk.newStart).toBe(result.length + 1);
        for (const line of hunk.lines) {
          if (line.kind !== "add") expect(line.text).toBe(old[at++]);
          if (line.kind !== "remove") result.push(line.text);
        }
      }
      expect([...result, ...old.slice(at)].join("\n"), `seed 42, round ${n}`).toBe(after);
    }
  });
});

describe("what is said about a change", () => {
  const line = (kind: GitDiffLine["kind"], old: number | null, now: number | null, text: string): GitDiffLine => ({
    kind,
    old,
    new: now,
    text,
  });
  it("becomes one prompt by file and line, with what it is about", () => {
    const comments = new Comments();
    comments.add("b.ts", line("added", null, 9, "  return 1;"), "Why?");
    comments.add("a.ts", line("removed", 3, null, "old"), "Keep this. ");
    comments.add("b.ts", line("context", 2, 2, ""), "Blank");
    comments.add("b.ts", line("context", 2, 2, ""), "  ");
    expect(comments.prompt).toBe(
      "I looked at the change. Please work through these comments:\n\nb.ts:2\n> (empty line)\nBlank\n\nb.ts:9\n> return 1;\nWhy?\n\na.ts:3 (before the change)\n> old\nKeep this.\n",
    );
  });
  it("chooses lines by part, in order", () => {
    const choice = new Choice();
    for (const index of [4, 2, 3, 3]) choice.toggle("h1", index);
    const file = { path: "a.ts", hunks: [{ id: "h1" }, { id: "h2" }] } as unknown as GitFileDiff;
    expect([choice.count, choice.selections(file)]).toEqual([2, [{ path: "a.ts", hunkId: "h1", lines: [2, 4] }]]);
  });
});
