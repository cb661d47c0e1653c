import { flushSync, mount, unmount } from "svelte";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import Brand from "./Brand.svelte";

const root = join(import.meta.dirname, "../..");

/** How a stroke turns after its beginning, in parts of its first step: the same at every size. */
function turns(path: string | undefined): number[] {
  const [, , ...steps] = [...(path ?? "").matchAll(/-?\d+(?:\.\d+)?/g)].map(([n]) => Number(n));
  return steps.map((step) => step / (steps[0] ?? 1));
}

it("there is one mark: a prompt in a phone, in the app and as its icon", () => {
  const shown = mount(Brand, { target: document.body });
  flushSync();
  const [caret, line] = (document.querySelector("path")?.getAttribute("d") ?? "").split("M").filter((part) => part !== "");
  void unmount(shown);
  const icon = readFileSync(join(root, "public/icon.svg"), "utf8");
  const [iconCaret, iconLine] = [...icon.matchAll(/<path d="M([^"]+)"/g)].map(([, d]) => d);
  expect(icon).toMatch(/<rect x=.* rx="44"/); // the phone
  // The same caret: to the right and down, then back; and one line after it.
  expect(turns(caret)).toEqual([1, 1, -1, 1]);
  expect(turns(iconCaret)).toEqual([1, 1, -1, 1]);
  expect(line).toMatch(/^[\d. ]+h\d/);
  expect(iconLine).toMatch(/^[\d. ]+h\d/);
});

it("no screen draws another mark or names the app by itself", () => {
  const src = join(root, "src");
  const own = readdirSync(src, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".svelte") && !name.endsWith("Brand.svelte") && !name.startsWith("dev/"))
    .filter((name) => /t\.app\.name(?!;)/.test(readFileSync(join(src, name), "utf8").replace(/document\.title = .*/g, "")));
  expect(own).toEqual([]);
});
