import { expect, test } from "vitest";
import type { QuietInfo } from "../protocol/generated";
import { quietWords } from "./quiet";

const START = Date.parse("2026-01-01T12:00:00Z");
const quiet = (kind: QuietInfo["kind"], more: Partial<QuietInfo> = {}): QuietInfo => ({
  kind,
  since: new Date(START).toISOString(),
  detail: null,
  nextAt: null,
  attempt: null,
  maxAttempts: null,
  ...more,
});

test("a tool is told with how long it runs", () => {
  expect(quietWords(quiet("tool", { detail: "bash: npm test" }), START + 125_000)).toEqual({
    words: "bash: npm test",
    time: "2 min 5 s",
    alarming: false,
  });
});

test("a retry counts down to the next try and then tries", () => {
  const retry = quiet("retrying", {
    detail: "overloaded 529",
    nextAt: new Date(START + 12_000).toISOString(),
    attempt: 3,
    maxAttempts: 10,
  });
  expect(quietWords(retry, START + 500)).toEqual({
    words: "Model provider failed: overloaded 529",
    time: "retrying in 12 s (3 of 10)",
    alarming: true,
  });
  expect(quietWords(retry, START + 13_000).time).toBe("retrying now (3 of 10)");
  expect(quietWords({ ...retry, maxAttempts: null, nextAt: null }, START).time).toBe("retrying now (try 3)");
});

test("silence says what the process does, and the words stand still while the clock runs", () => {
  const silent = quiet("silent", { detail: "the process sleeps" });
  expect(quietWords(silent, START + 180_000)).toEqual({ words: "Not responding; the process sleeps", time: "3 min", alarming: true });
  expect(quietWords(silent, START + 190_000).words).toBe(quietWords(silent, START + 180_000).words);
});

test("a clock that is behind shows no negative time", () => {
  expect(quietWords(quiet("starting"), START - 5_000).time).toBe("0 s");
});
