import { describe, expect, it } from "vitest";
import { escapeToText, escapeVisible, type EscapeMode, hasBeyondAscii } from "./escape";

const MODES: readonly EscapeMode[] = ["exact", "block", "line"];
const labels = (text: string, mode: EscapeMode = "exact"): string[] =>
  escapeVisible(text, mode).flatMap((piece) => (piece.kind === "chip" ? [piece.label] : []));

/** A small seeded generator, so that a failing run can be repeated. */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

describe("escapeVisible", () => {
  it("leaves ordinary text alone", () => {
    expect(escapeVisible("npm test -- --coverage && git push")).toEqual([{ kind: "text", raw: "npm test -- --coverage && git push" }]);
  });

  it.each([
    ["bidirectional overrides", "a\u202eb", "\\u{202e}"],
    ["bidirectional isolates", "a\u2066b", "\\u{2066}"],
    ["zero-width spaces", "a\u200bb", "\\u{200b}"],
    ["joiners between letters", "a\u200db", "\\u{200d}"],
    ["byte order marks", "a\ufeffb", "\\u{feff}"],
    ["no-break spaces", "a\u00a0b", "\\u{00a0}"],
    ["ideographic spaces", "a\u3000b", "\\u{3000}"],
    ["soft hyphens", "a\u00adb", "\\u{00ad}"],
    ["tags", "a\u{e0041}b", "\\u{e0041}"],
    ["variation selectors", "a\ufe0fb", "\\u{fe0f}"],
    ["supplementary variation selectors", "a\u{e0100}b", "\\u{e0100}"],
    ["escape", "a\u001b[31mb", "\\u{001b}"],
    ["carriage returns", "a\rb", "\\u{000d}"],
    ["nul", "a\0b", "\\u{0000}"],
    ["next line", "a\u0085b", "\\u{0085}"],
    ["line separators", "a\u2028b", "\\u{2028}"],
    ["hangul fillers", "a\u3164b", "\\u{3164}"],
    ["blank braille", "a\u2800b", "\\u{2800}"],
    ["lone surrogates", "a\ud800b", "\\u{d800}"],
    ["private use", "a\ue000b", "\\u{e000}"],
    ["noncharacters", "a\uffffb", "\\u{ffff}"],
    ["mongolian vowel separator", "a\u180eb", "\\u{180e}"],
    ["combining grapheme joiner", "a\u034fb", "\\u{034f}"],
  ])("shows %s", (_, text, label) => {
    for (const mode of MODES) expect(labels(text, mode)).toContain(label);
  });

  it("marks line ends, tabs and runs of spaces where something is decided on", () => {
    expect(labels("a\nb\tc" + " ".repeat(40) + "d")).toEqual(["⏎", "\\t", "space ×40"]);
  });

  it("keeps line ends and tabs in blocks of output", () => {
    expect(labels("a\n\tb", "block")).toEqual([]);
  });

  it("lets emoji sequences be in prose and takes them apart where something is decided on", () => {
    expect(labels("👩‍💻 ❤️", "line")).toEqual([]);
    expect(labels("👩‍💻")).toEqual(["\\u{200d}"]);
  });

  it("marks combining marks that pile up or have nothing to stand on", () => {
    expect(labels("e\u0301", "line")).toEqual([]);
    expect(labels("z" + "\u0301".repeat(30)).length).toBe(27);
    expect(labels("\u0301")).toEqual(["\\u{0301}"]);
  });

  it("loses nothing, hides nothing and never fails, whatever comes (seeded)", () => {
    const seed = Date.now() & 0xffff;
    const next = random(seed);
    const hidden = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Cs}]/u;
    for (let round = 0; round < 3000; round++) {
      let text = "";
      const length = Math.floor(next() * 40);
      for (let i = 0; i < length; i++) {
        const kind = next();
        if (kind < 0.4) text += String.fromCodePoint(32 + Math.floor(next() * 95));
        else if (kind < 0.6) text += String.fromCharCode(Math.floor(next() * 0x10000));
        else if (kind < 0.8) text += String.fromCodePoint(0x2000 + Math.floor(next() * 0x70));
        else if (kind < 0.9) text += String.fromCodePoint(Math.floor(next() * 0x110000));
        else text += " ".repeat(Math.floor(next() * 30));
      }
      const pieces = escapeVisible(text, "exact");
      expect(pieces.map((piece) => piece.raw).join(""), `seed ${seed} round ${round}`).toBe(text);
      for (const piece of pieces)
        if (piece.kind === "text") expect(hidden.test(piece.raw), `seed ${seed}: ${JSON.stringify(piece.raw)}`).toBe(false);
      for (const mode of MODES)
        expect(
          escapeVisible(text, mode)
            .map((piece) => piece.raw)
            .join(""),
        ).toBe(text);
    }
  });

  it("takes long text in its stride", () => {
    const text = "\u202e".repeat(20_000);
    expect(escapeVisible(text).length).toBe(20_000);
  });

  it.each([
    ["rm -rf /srv/d\u0430ta", "\\u{0430}"],
    ["git \u0440ush", "\\u{0440}"],
    ["gr\u03bfup", "\\u{03bf}"],
    ["\u0578ame", "\\u{0578}"],
    ["\u0436\u03bb", "\\u{03bb}"],
    ["x\u0663", "\\u{0663}"],
    ["foo_\u0431ar", "\\u{0431}"],
  ])("marks letters of another script within a word: %s", (text, label) => {
    for (const mode of MODES) expect(labels(text, mode)).toEqual([label]);
  });

  it.each(["привет мир", "naïve Ångström façade", "中文 README を読む 한국어", "JavaScript入門", "コーヒー", "Ελληνικά", "שלום", "हिन्दी"])(
    "leaves words of a language alone: %s",
    (text) => {
      expect(labels(text)).toEqual([]);
    },
  );

  it("has a text form for titles", () => {
    expect(escapeToText("a\u202eb")).toBe("a\\u{202e}b");
  });

  it("tells letters beyond ASCII", () => {
    expect(hasBeyondAscii("curl example.com")).toBe(false);
    expect(hasBeyondAscii("curl ехample.com")).toBe(true);
  });
});
