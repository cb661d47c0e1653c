import { describe, expect, it } from "vitest";
import { t } from "./all";

describe("what the app says of the demo", () => {
  it("is that commands run: the machine's own tests run them (FirstStoryTests)", () => {
    expect(t.machine.demo).not.toMatch(/nothing|not real|pretend/i);
    expect(t.machine.demo).toMatch(/commands and edits that you allow run on this machine/);
    expect(t.machine.demo).toMatch(/folder/);
  });
});
