import type { ToolCategory } from "../protocol/generated";
import type { ToolItem } from "./items";

/**
 * How a call of a tool stands. What needs a decision stands as its row in the ledger says, never as the agent says: a call alone does not run, and a refused one is
 * not done, whatever its result is called.
 */
export type ToolState =
  "waiting" | "called" | "allowed" | "running" | "denied" | "refused" | "unknown" | "interrupted" | "exit" | "failed" | "done" | "ended";

/** Nothing of these begins before a decision. */
const DECIDED: ReadonlySet<ToolCategory> = new Set(["execute", "edit", "fetch"]);

/** @param turnRuns Whether the turn of the call goes on: after it nothing waits or runs but jobs. */
export function toolState(item: Pick<ToolItem, "approval" | "result" | "category">, turnRuns: boolean): ToolState {
  const { approval, result } = item;
  const state = approval?.state ?? null;
  if (state === "denied") return "denied";
  if (state === "expired" || state === "withdrawn") return approval?.decision?.verdict === "allow" ? "refused" : "denied";
  if (state === "unknown") return "unknown";
  if (result !== null) {
    if (result.interrupted) return "interrupted";
    if (result.exitCode !== null && result.exitCode !== 0) return "exit";
    return result.failed ? "failed" : "done";
  }
  if (state === "running") return "running";
  if (state === "finished") return "done";
  if (!turnRuns) return "ended";
  if (state === "pending") return "waiting";
  if (state === "allowed") return "allowed";
  return DECIDED.has(item.category) ? "waiting" : "called";
}
