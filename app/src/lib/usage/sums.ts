import type { BudgetInfo, NamedUsage, UsageSum } from "../protocol/generated";

/** What a bar or a number shows. */
export type Measure = "cost" | "tokens";

/** A day of the picture, the oldest first. `sum` null: nothing was used. */
export interface Bar {
  readonly day: string;
  readonly value: number;
  readonly sum: UsageSum | null;
}

const DAY_MS = 86_400_000;
const NOTHING: UsageSum = {
  requests: 0,
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  costUsd: null,
  unpriced: 0,
  uncounted: 0,
  ownLogin: 0,
};

export const tokensOf = (sum: UsageSum): number => sum.inputTokens + sum.outputTokens + sum.cacheReadTokens + sum.cacheWriteTokens;

export const valueOf = (sum: UsageSum, measure: Measure): number => (measure === "cost" ? (sum.costUsd ?? 0) : tokensOf(sum));

/** The last `count` days up to `today` (`yyyy-MM-dd`, UTC), the oldest first, also those without any use. */
export function daysTo(today: string, count: number): string[] {
  const end = Date.parse(`${today}T00:00:00Z`);
  return Array.from({ length: count }, (_, at) => new Date(end - (count - 1 - at) * DAY_MS).toISOString().slice(0, 10));
}

/** The picture of the last `count` days. */
export function bars(days: readonly NamedUsage[], today: string, count: number, measure: Measure): Bar[] {
  const known = new Map(days.map((day) => [day.id, day.used]));
  return daysTo(today, count).map((day) => {
    const sum = known.get(day) ?? null;
    return { day, sum, value: sum ? valueOf(sum, measure) : 0 };
  });
}

/** All of the last `count` days. Costs are unknown as long as no part has one. */
export function addUp(days: readonly NamedUsage[], today: string, count: number): UsageSum {
  const wanted = new Set(daysTo(today, count));
  return days
    .filter((day) => wanted.has(day.id))
    .reduce<UsageSum>(
      (all, { used }) => ({
        requests: all.requests + used.requests,
        inputTokens: all.inputTokens + used.inputTokens,
        outputTokens: all.outputTokens + used.outputTokens,
        cacheReadTokens: all.cacheReadTokens + used.cacheReadTokens,
        cacheWriteTokens: all.cacheWriteTokens + used.cacheWriteTokens,
        costUsd: used.costUsd === null ? all.costUsd : (all.costUsd ?? 0) + used.costUsd,
        unpriced: all.unpriced + used.unpriced,
        uncounted: all.uncounted + used.uncounted,
        ownLogin: all.ownLogin + used.ownLogin,
      }),
      NOTHING,
    );
}

/** How much of a budget is used: 1 is all of it; it may be more. 0 when nothing is. */
export function shareOf(budget: BudgetInfo): number {
  const { use, dollars, tokens } = budget;
  if (use === null) return 0;
  return Math.max(dollars ? use.dollars / dollars : 0, tokens ? use.tokens / tokens : 0);
}

/** A typed limit: null when the field is empty, undefined when it is no such number. */
export function limitFrom(text: string, most: number, whole: boolean): number | null | undefined {
  const clean = text.trim();
  if (clean === "") return null;
  if (!(whole ? /^\d{1,15}$/ : /^\d{1,9}(\.\d{1,6})?$/).test(clean)) return undefined;
  const value = Number(clean);
  return value > 0 && value <= most ? value : undefined;
}
