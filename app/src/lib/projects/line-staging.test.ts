import { describe, expect, it } from "vitest";
import type { GitDiffLine, GitFileDiff, GitSelection } from "../protocol/generated";
import { Choice } from "./choice.svelte";
import { lineStaging } from "./line-staging";

const line = (kind: GitDiffLine["kind"], text: string): GitDiffLine => ({ kind, old: 1, new: 1, text });
const file = {
  path: "a.ts",
  hunks: [
    {
      id: "h1",
      newStart: 1,
      heading: "",
      lines: [
        line("context", "0"),
        line("removed", "1"),
        line("removed", "2"),
        line("added", "3"),
        line("added", "4"),
        line("context", "5"),
      ],
    },
    { id: "h2", newStart: 40, heading: "", lines: [line("added", "0"), line("context", "1"), line("added", "2")] },
  ],
} as unknown as GitFileDiff;

describe("lines staged by keyboard", () => {
  it("are the changed ones from one row to another, across hunks, in either order", () => {
    const choice = new Choice();
    const moved: GitSelection[][] = [];
    const staging = lineStaging(file, choice, (selections) => moved.push(selections));
    expect(staging.range({ hunk: "h2", lines: [1] }, { hunk: "h1", lines: [3] }, false)).toBe(3);
    expect([choice.active, staging.some]).toEqual([true, true]);
    staging.move();
    expect(moved).toEqual([
      [
        { path: "a.ts", hunkId: "h1", lines: [3, 4] },
        { path: "a.ts", hunkId: "h2", lines: [0] },
      ],
    ]);
  });

  it("are side by side the rows that are seen, not the lines in between", () => {
    const choice = new Choice();
    const staging = lineStaging(file, choice, () => undefined);
    expect(staging.range({ hunk: "h1", lines: [2, 4] }, { hunk: "h1", lines: [5] }, true)).toBe(2);
    expect(choice.selections(file)).toEqual([{ path: "a.ts", hunkId: "h1", lines: [2, 4] }]);
  });

  it("are none where nothing is changed, or where the hunk is gone", () => {
    const choice = new Choice();
    const staging = lineStaging(file, choice, () => undefined);
    expect(staging.choose([{ hunk: "h1", lines: [0, 5] }])).toBe(0);
    expect(staging.choose([{ hunk: "gone", lines: [1] }])).toBe(0);
    expect(staging.range({ hunk: "gone", lines: [1] }, { hunk: "h1", lines: [1] }, false)).toBe(0);
    expect(staging.some).toBe(false);
  });
});
