import type { Workspace } from "../stores/workspace.svelte";
import { nextReturn } from "./list";

/** The longest that a timer can wait. */
const LONGEST_MS = 2 ** 31 - 1;

/** A time that moves on when a snoozed session comes back, and not once a second: the list is drawn anew only then. Used while a component is set up. */
export function awake(workspace: Pick<Workspace, "sessions" | "now" | "clockOffset">): { readonly now: number } {
  let now = $state(workspace.now);
  $effect(() => {
    const next = nextReturn(workspace.sessions.values(), now);
    if (next === null) return;
    // What is due already while the page slept is due now.
    const timer = setTimeout(
      () => (now = Math.max(now, Date.now() + workspace.clockOffset)),
      Math.min(LONGEST_MS, Math.max(0, next - Date.now() - workspace.clockOffset) + 50),
    );
    return () => clearTimeout(timer);
  });
  return {
    get now() {
      return now;
    },
  };
}
