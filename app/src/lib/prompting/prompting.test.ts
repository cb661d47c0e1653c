import { describe, expect, it } from "vitest";
import type { AgentInfo } from "../protocol/generated";
import { effortsFor, percent } from "./choices";
import { matching, MOST_SHOWN, moved, typedCommand } from "./commands";

const COMMANDS = [
  { name: "clear", description: "Forget the conversation" },
  { name: "compact", description: "Make room" },
  { name: "pr-comments", description: "Comments of a pull request" },
];

describe("slash commands", () => {
  it("are looked for only while nothing but a name is typed", () => {
    expect(typedCommand("/")).toBe("");
    expect(typedCommand("/com")).toBe("com");
    for (const text of ["", "com", " /com", "/com now", "/com\n", "a /com"]) expect(typedCommand(text)).toBeNull();
  });

  it("that begin with what is typed come first, then those that have it elsewhere", () => {
    expect(matching(COMMANDS, "").map((one) => one.name)).toEqual(["clear", "compact", "pr-comments"]);
    expect(matching(COMMANDS, "COM").map((one) => one.name)).toEqual(["compact", "pr-comments"]);
    expect(matching(COMMANDS, "room").map((one) => one.name)).toEqual(["compact"]);
    expect(matching(COMMANDS, "nothing")).toEqual([]);
    expect(
      matching(
        Array.from({ length: 50 }, (_, n) => ({ name: `c${n}`, description: "" })),
        "c",
      ),
    ).toHaveLength(MOST_SHOWN);
  });
});

describe("the queue's order", () => {
  it("moves a prompt one place and no further than the ends", () => {
    expect(moved(["a", "b", "c"], "b", -1)).toEqual({ before: "a" });
    expect(moved(["a", "b", "c"], "a", 1)).toEqual({ before: "c" });
    expect(moved(["a", "b", "c"], "b", 1)).toEqual({ before: null });
    expect(moved(["a", "b"], "a", -1)).toBeNull();
    expect(moved(["a", "b"], "b", 1)).toBeNull();
    expect(moved(["a", "b"], "gone", 1)).toBeNull();
  });
});

describe("choices", () => {
  it("offer the efforts that agent and model both know", () => {
    const agent = { efforts: ["low", "high", "max"] } as unknown as AgentInfo;
    const models = [
      { id: "big", name: "Big", efforts: ["low", "high", "ultra"] },
      { id: "small", name: "Small", efforts: [] },
      { id: "other", name: "Other", efforts: null },
    ];
    expect(effortsFor(agent, models, "big")).toEqual(["low", "high"]);
    expect(effortsFor(agent, models, "small")).toEqual([]);
    expect(effortsFor(agent, models, "other")).toEqual(["low", "high", "max"]);
    expect(effortsFor(agent, models, null)).toEqual(["low", "high", "max"]);
    expect(effortsFor(undefined, models, "big")).toEqual([]);
  });

  it("tell how full a conversation is only when its window is known", () => {
    expect(percent(62_100, 100_000)).toBe(62);
    expect(percent(120_000, 100_000)).toBe(100);
    expect(percent(5, null)).toBeNull();
  });
});
