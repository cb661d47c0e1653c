import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..");
const files = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
  .filter((name) => /\.(ts|svelte)$/.test(name) && !name.includes("generated") && !name.includes("/channel/"))
  .map((name) => ({ name, text: readFileSync(join(root, "src", name), "utf8") }));

/** Files whose text matches, but for tests and the allowed. */
const breaking = (pattern: RegExp, allowed: (name: string) => boolean = () => false): string[] =>
  files.filter(({ name, text }) => !name.endsWith(".test.ts") && !allowed(name) && pattern.test(text)).map(({ name }) => name);

describe("rules of the house", () => {
  it("reads the sources", () => expect(files.length).toBeGreaterThan(60));
  it("has no any", () => expect(breaking(/[:<|]\s*any\b(?!\w)|\bas any\b/)).toEqual([]));
  it("puts no HTML into the page", () => expect(breaking(/\{@html|innerHTML|outerHTML|insertAdjacentHTML|document\.write/)).toEqual([]));
  it("has no inline style and no transition that would inject one", () =>
    expect(breaking(/<[a-z][^>]*\sstyle="|svelte\/transition|svelte\/animate|\b(in|out|transition|animate):\w/)).toEqual([]));
  it("talks to the socket in one place", () =>
    expect(breaking(/new WebSocket/, (name) => name.endsWith("link/first-socket.ts"))).toEqual([]));
  it("loads nothing from elsewhere, and asks the gateway that served it about accounts in one place", () => {
    const own = (name: string): boolean => name.endsWith("lib/accounts/index.ts") || name.endsWith("dev/mock-accounts.ts");
    expect(breaking(/\bfetch\(|XMLHttpRequest|EventSource|sendBeacon/, own)).toEqual([]);
    expect(files.find(({ name }) => name.endsWith("lib/accounts/index.ts"))?.text.match(/\bfetch\(|\bGateway\(/g)).toHaveLength(2);
    expect(files.find(({ name }) => name.endsWith("lib/accounts/index.ts"))?.text).toContain("new Gateway(globalThis.location.origin,");
  });
  it("has frames in one place only, and those are sealed", () => {
    expect(breaking(/<iframe/, (name) => name.endsWith("SealedFrame.svelte"))).toEqual([]);
    expect(files.find(({ name }) => name.endsWith("SealedFrame.svelte"))?.text).toMatch(/<iframe sandbox="" /);
  });
  it("shows no picture but what an agent or a person sent, from memory", () =>
    expect(breaking(/<img|new Image\b/, (name) => /(SentFile|AttachedFiles|AttachmentChips)\.svelte$/.test(name))).toEqual([]));
  it("swallows no error without a word", () => expect(breaking(/catch\s*(\([^)]*\))?\s*\{\s*\}/)).toEqual([]));
  it("knows the development machine in one place only", () =>
    expect(breaking(/dev\/(mock|scenario)/, (name) => name === "main.ts")).toEqual([]));
  it("has no host of a registry in the lock file", () =>
    expect(readFileSync(join(root, "package-lock.json"), "utf8")).not.toMatch(/"resolved": "(?!packages\/)|registry\./));
  it("allows no inline script or style in the page", () =>
    expect(readFileSync(join(root, "index.html"), "utf8")).not.toMatch(/<style|\sstyle=|<script(?![^>]*src=)/));
});
