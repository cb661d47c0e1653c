import { describe, expect, it } from "vitest";
import type { BudgetInfo, NamedUsage, UsageSum } from "../protocol/generated";
import { addUp, bars, daysTo, limitFrom, shareOf, tokensOf } from "./sums";

const sum = (tokens: number, costUsd: number | null, more: Partial<UsageSum> = {}): UsageSum => ({
  requests: 1,
  inputTokens: tokens,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  costUsd,
  unpriced: costUsd === null ? 1 : 0,
  uncounted: 0,
  ownLogin: 0,
  ...more,
});
const day = (id: string, used: UsageSum): NamedUsage => ({ id, name: id, used });

describe("days", () => {
  it("go over months, years and the days when clocks change, each once", () => {
    expect(daysTo("2026-03-01", 3)).toEqual(["2026-02-27", "2026-02-28", "2026-03-01"]);
    expect(daysTo("2028-03-01", 2)).toEqual(["2028-02-29", "2028-03-01"]);
    const year = daysTo("2026-12-31", 365);
    expect([year[0], new Set(year).size]).toEqual(["2026-01-01", 365]);
  });
});

describe("sums", () => {
  const days = [
    day("2026-03-03", sum(5, 1)),
    day("2026-03-01", sum(7, null, { uncounted: 1, ownLogin: 1 })),
    day("2026-02-20", sum(100, 2)),
    day("2026-04-01", sum(1000, 9)),
  ];

  it("have the days that are meant, and no other", () => {
    expect(tokensOf(addUp(days, "2026-03-03", 1))).toBe(5);
    expect(addUp(days, "2026-03-03", 7)).toMatchObject({
      requests: 2,
      inputTokens: 12,
      costUsd: 1,
      unpriced: 1,
      uncounted: 1,
      ownLogin: 1,
    });
    expect(tokensOf(addUp(days, "2026-03-03", 30))).toBe(112);
  });

  it("do not know a cost that no part has, and take nothing for no cost", () => {
    expect(addUp(days, "2026-03-01", 1).costUsd).toBeNull();
    expect(addUp([], "2026-03-01", 30)).toMatchObject({ requests: 0, costUsd: null });
  });

  it("make a bar of each day, empty where nothing was used", () => {
    expect(bars(days, "2026-03-03", 3, "tokens").map((bar) => [bar.day, bar.value, bar.sum !== null])).toEqual([
      ["2026-03-01", 7, true],
      ["2026-03-02", 0, false],
      ["2026-03-03", 5, true],
    ]);
    expect(bars(days, "2026-03-03", 3, "cost").map((bar) => bar.value)).toEqual([0, 0, 1]);
  });
});

describe("a budget", () => {
  const budget = (dollars: number | null, tokens: number | null, use: BudgetInfo["use"]): BudgetInfo => ({
    scope: "day",
    projectId: null,
    project: null,
    action: "ask",
    dollars,
    tokens,
    setAt: "",
    setBy: null,
    use,
  });
  const use = { id: null, name: null, dollars: 5, tokens: 100, unpriced: 0 };

  it("is used by the limit that is nearer", () => {
    expect(shareOf(budget(10, null, use))).toBe(0.5);
    expect(shareOf(budget(10, 50, use))).toBe(2);
    expect(shareOf(budget(10, 50, null))).toBe(0);
  });

  it("takes the numbers that the machine takes", () => {
    expect([limitFrom("", 10, false), limitFrom(" 5.50 ", 10, false), limitFrom("10", 10, true)]).toEqual([null, 5.5, 10]);
    for (const bad of ["0", "0.0", "-1", "1e3", "11", "5,5", "abc", "٣", "1.", "0x1", "5.1234567"])
      expect(limitFrom(bad, 10, false), bad).toBeUndefined();
    expect(limitFrom("1.5", 10, true)).toBeUndefined();
  });
});
