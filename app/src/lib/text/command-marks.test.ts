import { describe, expect, it } from "vitest";
import type { CommandMark, MarkKind } from "../protocol/generated";
import { markPieces } from "./command-marks";
import { escapeVisible } from "./escape";

const shown = (text: string, marks: CommandMark[]): string =>
  markPieces(escapeVisible(text, "exact"), marks)
    .map(({ piece, mark }) => (mark === null ? piece.raw : `[${mark} ${piece.raw}]`))
    .join("");

describe("the parts of a command", () => {
  it("are cut where marks begin and end", () => {
    const marks: CommandMark[] = [
      { kind: "program", start: 0, length: 2 },
      { kind: "deletes", start: 7, length: 5 },
    ];
    expect(shown("rm -rf build x", marks)).toBe("[program rm] -rf [deletes build] x");
    expect(shown("rm -rf build", marks)).toBe("[program rm] -rf [deletes build]");
  });

  it("are not cut at all by marks of another text", () => {
    expect(shown("ls", [{ kind: "program", start: 1, length: 2 }])).toBe("ls");
    expect(shown("ls a", [{ kind: "program", start: -1, length: 2 }])).toBe("ls a");
    expect(shown("ls a", [{ kind: "program", start: 2, length: 0 }])).toBe("ls a");
    const overlapping: CommandMark[] = [
      { kind: "program", start: 0, length: 2 },
      { kind: "reads", start: 1, length: 2 },
    ];
    expect(shown("ls a", overlapping)).toBe("ls a");
  });

  it("are the whole text, whatever the marks are", () => {
    let seed = 7;
    const random = (below: number): number => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) % below;
    const signs = ["a", " ", "  ", "\t", "\n", "\u202e", "😀", "é", "            ", "\u200b", "|", "rm"];
    const kinds: MarkKind[] = ["program", "host", "deletes", "operator"];
    for (let run = 0; run < 2000; run++) {
      const text = Array.from({ length: random(12) }, () => signs[random(signs.length)]).join("");
      const marks: CommandMark[] = [];
      for (let at = random(3); at < text.length;) {
        const length = 1 + random(text.length - at);
        marks.push({ kind: kinds[random(kinds.length)] ?? "host", start: at, length });
        at += length + random(3);
      }
      const pieces = markPieces(escapeVisible(text, "exact"), marks);
      expect(pieces.map(({ piece }) => piece.raw).join("")).toBe(text);
      expect(pieces.every(({ piece }) => piece.raw.length > 0)).toBe(true);
    }
  });
});
