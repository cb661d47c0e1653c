const FIRST_MS = 500;
const MOST_MS = 15_000;

/** Milliseconds to wait before attempt number `attempt` (0, 1, 2 …): doubling, at most 15 s, the upper half random so that many phones don't return at once. */
export function backoff(attempt: number, random: () => number = Math.random): number {
  const top = Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(attempt, 10));
  return Math.round(top / 2 + (random() * top) / 2);
}
