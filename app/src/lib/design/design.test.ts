import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { accents } from "../stores/prefs.svelte";

const SRC = join(import.meta.dirname, "../..");
const TOKENS = readFileSync(join(import.meta.dirname, "tokens.css"), "utf8");

/** Every file with styles, by its path under src, with its styles alone; the tokens themselves are left out. */
const styles = readdirSync(SRC, { recursive: true, encoding: "utf8" })
  .filter((name) => /\.(svelte|css)$/.test(name) && !name.endsWith("tokens.css"))
  .map((name) => {
    const text = readFileSync(join(SRC, name), "utf8");
    const css = name.endsWith(".css") ? text : (/<style[^>]*>([\s\S]*)<\/style>/.exec(text)?.[1] ?? "");
    return { name, css: css.replace(/\/\*[\s\S]*?\*\//g, "") };
  });

/** "file: declaration" of each declaration whose value is not taken from the tokens. */
function own(property: RegExp, allowed: RegExp): string[] {
  return styles.flatMap(({ name, css }) =>
    [...css.matchAll(/(?:^|[;{])\s*([a-z-]+):\s*([^;{}]+);/g)]
      .filter(([, what, value]) => property.test(what ?? "") && !allowed.test((value ?? "").replace("!important", "").trim()))
      .map(([, what, value]) => `${name}: ${what}: ${value}`),
  );
}

describe("values of the look", () => {
  it("are colours of the tokens", () => {
    const raw =
      /#[0-9a-f]{3,8}\b|\b(?:rgb|rgba|hsl|hsla|hwb|lab|lch|oklab|oklch|color)\(|:[^;]*\b(?:white|black|red|green|blue|gr[ae]y|orange|yellow)\b(?!-)/i;
    const found = styles.flatMap(({ name, css }) =>
      [...css.matchAll(/(?:^|[;{])\s*([a-z-]+:\s*[^;{}]+);/g)]
        .map(([, line]) => (line ?? "").replace(/var\([^)]*\)/g, ""))
        .filter((line) => raw.test(line))
        .map((line) => `${name}: ${line}`),
    );
    expect(found).toEqual([]);
  });

  it("are sizes and weights of the tokens", () => {
    expect(own(/^font-size$/, /^(var\(--f-[a-z-]+\)|inherit)$/)).toEqual([]);
    expect(own(/^font-weight$/, /^(var\(--w-[a-z]+\)|inherit)$/)).toEqual([]);
    expect(own(/^font-family$/, /^(var\(--(sans|mono)\)|inherit)$/)).toEqual([]);
    expect(own(/^border-radius$|^border-.*-radius$/, /^((0|inherit|var\(--radius[a-z-]*\))( |$))+$/)).toEqual([]);
  });

  it("have a token by that name", () => {
    const known = new Set([...TOKENS.matchAll(/--([\w-]+):/g)].map(([, name]) => name));
    const here = ({ css }: { css: string }): Set<string | undefined> => new Set([...css.matchAll(/--([\w-]+):/g)].map(([, name]) => name));
    const missing = styles.flatMap((file) => {
      const own = here(file);
      return [...file.css.matchAll(/var\(--([\w-]+)/g)]
        .filter(([, name]) => !known.has(name) && !own.has(name))
        .map(([, name]) => `${file.name}: --${name}`);
    });
    expect(missing).toEqual([]);
  });
});

describe("contrast", () => {
  const blocks = /:root \{([\s\S]*?)\n\}/.exec(TOKENS)?.[1] ?? "";
  const colours = (theme: 0 | 1): Map<string, string> =>
    new Map(
      [...blocks.matchAll(/--([\w-]+): (?:light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)|(#[0-9a-f]{6}));/g)].map(
        ([, name, light, dark, both]) => [name ?? "", both ?? (theme === 0 ? light : dark) ?? ""],
      ),
    );
  const luminance = (hex: string): number => {
    const [r, g, b] = [1, 3, 5].map((at) => {
      const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    }) as [number, number, number];
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a: string, b: string): number => {
    const [less, more] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number];
    return (more + 0.05) / (less + 0.05);
  };

  // WCAG 2.2, 1.4.3: text of any size.
  it.each([0, 1] as const)("of text is at least 4.5:1 on everything it stands on (theme %i)", (theme) => {
    const of = colours(theme);
    const words = ["text", "text-2", "text-3", "green-text", "amber-text", "red-text", "blue-text"];
    const grounds = ["bg", "surface", "raised", "sunken", "code-bg", "own"];
    const pairs = [
      ...words.flatMap((word) => grounds.map((ground) => [word, ground] as const)),
      ...["green", "amber", "red", "blue"].map((name) => [`${name}-text`, `${name}-soft`] as const),
      ["on-green", "green"] as const,
      ["on-amber", "amber-fill"] as const,
      ...["text", "c-comment", "c-string", "c-number", "c-keyword", "c-type", "c-call"].flatMap((word) =>
        ["code-bg", "sunken", "add-bg", "del-bg"].map((ground) => [word, ground] as const),
      ),
    ];
    const low = pairs
      .map(([word, ground]) => ({ word, ground, ratio: contrast(of.get(word) ?? "", of.get(ground) ?? "") }))
      .filter(({ ratio }) => !(ratio >= 4.5))
      .map(({ word, ground, ratio }) => `${word} on ${ground}: ${ratio.toFixed(2)}`);
    expect(low).toEqual([]);
  });

  describe("of the accents one can choose", () => {
    it.each(accents.flatMap((accent) => ([0, 1] as const).map((theme) => [accent, theme] as const)))(
      "is enough for %s (theme %i)",
      (accent, theme) => {
        const of = colours(theme);
        const block = new RegExp(`\\[data-accent="${accent}"\\] \\{([^}]*)\\}`).exec(TOKENS)?.[1] ?? "";
        const value = (name: string): string => {
          const [, own, light, dark] =
            new RegExp(`--${name}: (?:var\\(--([\\w-]+)\\)|light-dark\\((#[0-9a-f]{6}), (#[0-9a-f]{6})\\));`).exec(block) ?? [];
          return own === undefined ? ((theme === 0 ? light : dark) ?? "") : (of.get(own) ?? "");
        };
        const text = value("accent-text");
        const fill = value("accent");
        for (const ground of ["bg", "surface", "raised", "sunken"])
          expect(contrast(text, of.get(ground) ?? ""), `text on ${ground}`).toBeGreaterThanOrEqual(4.5);
        expect(contrast(text, value("accent-soft")), "text on its own tone").toBeGreaterThanOrEqual(4.5);
        expect(contrast(of.get("on-green") ?? "", fill), "words on a button").toBeGreaterThanOrEqual(4.5);
        expect(contrast(of.get("on-green") ?? "", text), "words on a button under the mouse").toBeGreaterThanOrEqual(4.5);
        // WCAG 2.2, 1.4.11: what is not text.
        expect(contrast(fill, of.get("surface") ?? ""), "a box that is ticked").toBeGreaterThanOrEqual(3);
      },
    );
  });

  it.each([0, 1] as const)("is 7:1 for words and 3:1 for lines where a person asks for more (theme %i)", (theme) => {
    const more = /@media \(prefers-contrast: more\) \{\s*:root \{([\s\S]*?)\n {2}\}/.exec(TOKENS)?.[1] ?? "";
    const of = new Map([
      ...colours(theme),
      ...[...more.matchAll(/--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);/g)].map(
        ([, name, light, dark]) => [name ?? "", (theme === 0 ? light : dark) ?? ""] as const,
      ),
    ]);
    expect(more).not.toBe("");
    for (const ground of ["bg", "surface", "raised", "sunken"]) {
      for (const word of ["text", "text-2", "text-3"])
        expect(contrast(of.get(word) ?? "", of.get(ground) ?? ""), `${word} on ${ground}`).toBeGreaterThanOrEqual(7);
      expect(contrast(of.get("line-strong") ?? "", of.get(ground) ?? ""), `a line on ${ground}`).toBeGreaterThanOrEqual(3);
    }
  });
});
