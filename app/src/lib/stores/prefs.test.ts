import { afterEach, describe, expect, it, vi } from "vitest";

afterEach(() => {
  localStorage.clear();
  vi.resetModules();
});
const load = async (): Promise<typeof import("./prefs.svelte")> => {
  vi.resetModules();
  return import("./prefs.svelte");
};
const shown = (): string | undefined => document.documentElement.dataset["accent"];

describe("the accent", () => {
  it("is green until another one is chosen, and stays chosen", async () => {
    const { prefs } = await load();
    prefs.apply();
    expect([prefs.accent, shown()]).toEqual(["green", "green"]);
    prefs.accent = "violet";
    expect(shown()).toBe("violet");
    const again = (await load()).prefs;
    again.apply();
    expect([again.accent, shown()]).toEqual(["violet", "violet"]);
    again.accent = "green";
    expect(localStorage.length).toBe(0);
  });

  it("is green where what was kept is none", async () => {
    localStorage.setItem("pocketcoder-accent", 'x"] { --text: red } [y="');
    const { prefs } = await load();
    prefs.apply();
    expect([prefs.accent, shown()]).toEqual(["green", "green"]);
  });
});
