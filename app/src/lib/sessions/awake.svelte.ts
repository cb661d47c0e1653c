import type { SessionInfo } from "../protocol/generated";
import { clock } from "../stores/clock.svelte";
import { nextReturn } from "./list";

/** The longest that a timer can wait. */
const LONGEST_MS = 2 ** 31 - 1;

/** A time that moves on when a snoozed session comes back, and not once a second: the list is drawn anew only then. Used while a component is set up. */
export function awake(sessions: () => Iterable<SessionInfo>): { readonly now: number } {
  let now = $state(clock.machineNow);
  $effect(() => {
    const next = nextReturn(sessions(), now);
    if (next === null) return;
    // What is due already while the page slept is due now.
    const timer = setTimeout(
      () => (now = Math.max(now, Date.now() + clock.machineOffset)),
      Math.min(LONGEST_MS, Math.max(0, next - Date.now() - clock.machineOffset) + 50),
    );
    return () => clearTimeout(timer);
  });
  return {
    get now() {
      return now;
    },
  };
}
