export type SnoozeChoice = "hour" | "evening" | "tomorrow" | "week";

const EVENING = 18;
const MORNING = 8;
const MONDAY = 1;

/** The times that are offered, in the reader's own zone. This evening only while it is to come. */
export function snoozeTimes(now: Date): { readonly choice: SnoozeChoice; readonly at: Date }[] {
  const day = (days: number, hour: number): Date => new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, hour);
  const evening = day(0, EVENING);
  const toMonday = (MONDAY - now.getDay() + 7) % 7 || 7;
  return [
    { choice: "hour", at: new Date(now.getTime() + 3_600_000) },
    ...(evening.getTime() - now.getTime() > 3_600_000 ? [{ choice: "evening" as const, at: evening }] : []),
    { choice: "tomorrow", at: day(1, MORNING) },
    { choice: "week", at: day(toMonday, MORNING) },
  ];
}
