import { describe, expect, it } from "vitest";
import { withoutStyles } from "./plain";
import { highlight } from "./highlight";
import { countdown, duration } from "./time";
import { wordsBeside, wordsOf } from "./worddiff";
import { guessDeviceName } from "./device-name";
import { counted } from "../strings/plural";
import { uuid7 } from "../ids/uuid7";

describe("highlight", () => {
  it("never changes the text, in any language", () => {
    const code = "// c\nconst x = `a ${b}` + \"s\\\"\"; # py\n/* open\n'''t''' 12.5e3 --flag $VAR ${X} <a b='c'> Ünïcode\n";
    for (const language of [
      "ts",
      "cs",
      "py",
      "sh",
      "go",
      "rust",
      "sql",
      "css",
      "yaml",
      "json",
      "html",
      "diff",
      "c",
      "java",
      "rb",
      "nothing",
      "",
    ]) {
      expect(
        highlight(code, language)
          .map((token) => token.text)
          .join(""),
      ).toBe(code);
    }
  });

  it("tells keywords, strings and comments apart", () => {
    const tokens = highlight('if (x) return "if"; // if', "ts");
    expect(tokens.filter((token) => token.class === "k").map((token) => token.text)).toEqual(["if", "return"]);
    expect(tokens.find((token) => token.class === "s")?.text).toBe('"if"');
    expect(tokens.find((token) => token.class === "c")?.text).toBe("// if");
  });
});

describe("word diff", () => {
  const withWords = <L extends { kind: string; text: string }>(lines: readonly L[]) => {
    const words = wordsOf(lines);
    return lines.map((line) => ({ ...line, spans: words.get(line) ?? null }));
  };
  it("marks the words that changed in a pair of lines", () => {
    const [before, after] = withWords([
      { kind: "remove", text: "const a = find(x);" },
      { kind: "add", text: "const a = search(x);" },
    ]);
    expect(before?.spans?.filter((span) => span.changed).map((span) => span.text)).toEqual(["find"]);
    expect(after?.spans?.filter((span) => span.changed).map((span) => span.text)).toEqual(["search"]);
  });

  it("keeps every character of every line", () => {
    const lines = [
      { kind: "remove", text: "  a  b\tc" },
      { kind: "remove", text: "x" },
      { kind: "add", text: "  a  d\tc" },
      { kind: "add", text: "x y" },
      { kind: "context", text: "z" },
    ] as const;
    for (const line of withWords(lines)) if (line.spans) expect(line.spans.map((span) => span.text).join("")).toBe(line.text);
  });

  it("does not compare what is too long or has nothing in common", () => {
    const long = "word ".repeat(400);
    expect(
      withWords([
        { kind: "remove", text: long },
        { kind: "add", text: `${long}x` },
      ])[0]?.spans,
    ).toBeNull();
    expect(
      withWords([
        { kind: "remove", text: "alpha" },
        { kind: "add", text: "beta" },
      ])[0]?.spans,
    ).toBeNull();
  });

  it("does the same to lines side by side, and to those only that have a partner", () => {
    const [before, after, alone] = [
      { kind: "remove", text: "  return wait(5);" },
      { kind: "add", text: "  return wait(50);" },
      { kind: "context", text: "}" },
    ];
    const words = wordsBeside([
      { old: before, new: after },
      { old: alone, new: alone },
      { old: null, new: { kind: "add", text: "x" } },
    ]);
    const changed = (line: { kind: string; text: string }) =>
      words
        .get(line)
        ?.filter((span) => span.changed)
        .map((span) => span.text);
    expect([changed(before), changed(after), changed(alone)]).toEqual([["5"], ["50"], undefined]);
    expect(words.size).toBe(2);
  });
});

describe("times and counts", () => {
  it("counts down in minutes and seconds", () => {
    expect([countdown(42_000), countdown(3_723_000), countdown(-5)]).toEqual(["0:42", "1:02:03", "0:00"]);
  });

  it("tells any duration in at most two units, the smaller below a whole of the larger", () => {
    const size = { ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 };
    const units = Object.keys(size) as (keyof typeof size)[];
    for (let ms = 1; ms < 40 * size.d; ms = Math.ceil(ms * 1.07)) {
      const parts = duration(ms).split(" ");
      const told = units.map((unit) => ({ unit, n: Number(parts[parts.indexOf(unit) - 1] ?? 0) }));
      const shown = told.filter(({ n }) => n > 0);
      expect(shown.length, duration(ms)).toBeLessThanOrEqual(2);
      const sum = shown.reduce((all, { unit, n }) => all + n * size[unit], 0);
      const smallest = size[shown[0]?.unit ?? "ms"];
      expect(Math.abs(sum - ms), duration(ms)).toBeLessThan(
        shown.length === 1 && smallest >= size.min ? size[units[units.indexOf(shown[0]?.unit ?? "ms") - 1] ?? "ms"] : smallest,
      );
      for (const [at, { unit, n }] of told.entries()) {
        const larger = units[at + 1];
        if (larger !== undefined) expect(n * size[unit], duration(ms)).toBeLessThan(size[larger]);
      }
    }
  });

  it("tells durations", () => {
    expect([duration(11_940_000), duration(59_999), duration(3_600_000), duration(187_200_000)]).toEqual([
      "3 h 19 min",
      "59.9 s",
      "1 h",
      "2 d 4 h",
    ]);
    expect([duration(320), duration(4200), duration(185_000)]).toEqual(["320 ms", "4.2 s", "3 min 5 s"]);
  });

  it("counts one and many", () => {
    expect([counted(1, { one: "file", other: "files" }), counted(7, { one: "file", other: "files" })]).toEqual(["1 file", "7 files"]);
  });
});

describe("ids", () => {
  it("are of version 7, unique and in the order they were made", () => {
    const ids = Array.from({ length: 5000 }, () => uuid7());
    expect(new Set(ids).size).toBe(5000);
    expect([...ids].sort()).toEqual(ids);
    for (const id of ids.slice(0, 50)) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it("stay in order when the clock goes back", () => {
    const first = uuid7(Date.now() + 10_000);
    expect(uuid7(Date.now()) > first).toBe(true);
  });
});

describe("device names", () => {
  it("say browser and system", () => {
    expect(guessDeviceName("Mozilla/5.0 (Linux; Android 16; Pixel 9) AppleWebKit/537.36 Chrome/140 Mobile Safari/537.36")).toBe(
      "Chrome on Android",
    );
    expect(guessDeviceName("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605 Version/19 Mobile Safari/604.1")).toBe(
      "Safari on iPhone",
    );
  });
});

describe("output as text", () => {
  it("loses its colours and titles and nothing else", () => {
    expect(withoutStyles("\u001b[1;31mFAIL\u001b[0m a\u001b[K\nb\u001b]0;title\u0007\u001b[2Jc\u001b[")).toBe("FAIL a\nb\u001b[2Jc\u001b[");
    expect(withoutStyles("\u001b[?25l\u001b]8;;https://a.example\u001b\\here\u001b]8;;\u001b\\\u001b[?25h")).toBe("here");
  });

  it("keeps what only begins like a title, so that it swallows nothing", () => {
    for (const text of ["\u001b]0;no end", `\u001b]0;${"x".repeat(2001)}\u0007`, "\u001b]0;a\u001b[2Jb\u0007", "\u001b[?25"])
      expect(withoutStyles(text)).toBe(text);
  });
});
