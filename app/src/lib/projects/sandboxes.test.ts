import { describe, expect, it } from "vitest";
import { boundsIn, whyNot } from "./sandboxes";

describe("a choice of sandbox", () => {
  it("needs the right to manage when it is weaker than usual", () => {
    const bounds = boundsIn(null, "bubblewrap", null, false);
    expect((["bubblewrap", "docker", "landlock", "none"] as const).map((kind) => whyNot(kind, bounds))).toEqual([
      null,
      null,
      "manage",
      "manage",
    ]);
    expect(whyNot("none", { ...bounds, manages: true })).toBeNull();
  });

  it("is never below what the owner started the machine with", () => {
    expect(whyNot("none", boundsIn(null, "bubblewrap", "bubblewrap", true))).toBe("owner");
    expect(whyNot("none", boundsIn("none", "bubblewrap", "bubblewrap", false))).toBeNull(); // which only the owner can have set
  });

  it("follows the project where that has one", () => {
    expect(whyNot("none", boundsIn("none", "bubblewrap", null, false))).toBeNull();
    expect(whyNot("none", boundsIn("bubblewrap", "none", "none", false))).toBe("manage");
  });

  it("counts a machine where none works, or that has not looked, as fully sandboxed", () =>
    expect(whyNot("none", boundsIn(null, null, null, false))).toBe("manage"));
});
