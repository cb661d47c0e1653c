import { expect, test } from "vitest";
import { result, text, tool, turnEvent } from "../../dev/scenarios";
import { parseMarkdown } from "../text/markdown";
import { toMarkdown } from "./markdown";
import { Transcript } from "./transcript";

test("a conversation becomes Markdown with its prompts, words and outputs", () => {
  const transcript = new Transcript();
  [
    turnEvent("a", "Fix it", "running", 1),
    text("t", "I fix it.", 1),
    tool("1", "Bash", "execute", "npm test", 1),
    result("1", "all ok\n", 0),
  ].forEach((event, at) => transcript.apply(event, at + 1));
  expect(toMarkdown("A title\nof two lines", transcript.rows())).toBe(
    "# A title of two lines\n\n## You\n\nFix it\n\nI fix it.\n\n**Bash** `npm test`\n\n```\nall ok\n```\n",
  );
});

test("an output can't end its fence, whatever it holds", () => {
  for (const output of ["```\n# not a title", "````\n```\n`", "`".repeat(40)]) {
    const transcript = new Transcript();
    [tool("1", "Bash", "execute", "cat `x`", 1), result("1", output, 0)].forEach((event, at) => transcript.apply(event, at + 1));
    const blocks = parseMarkdown(toMarkdown("t", transcript.rows()));
    expect(blocks.filter((block) => block.kind === "heading")).toHaveLength(1);
    expect(blocks.filter((block) => block.kind === "code").map((block) => (block as { text: string }).text.replace(/\n$/, ""))).toEqual([
      output,
    ]);
  }
});
