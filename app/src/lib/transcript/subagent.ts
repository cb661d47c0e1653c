import type { Item, ToolItem } from "./items";

/** What agents call the member of a call's input that names the sub-agent. */
const MEMBERS = ["subagent_type", "agent_type", "agent"] as const;
const LONGEST = 60;

/** The name of the sub-agent that a call started, as its agent gave it; null: it gave none, or it is no such call. Untrusted. */
export function subagentName(item: ToolItem): string | null {
  if (item.category !== "agent" && item.children.length === 0) return null;
  try {
    const input = JSON.parse(item.input) as Record<string, unknown> | null;
    for (const member of MEMBERS) {
      const name = input?.[member];
      if (typeof name === "string" && name.trim() !== "") return name.trim().slice(0, LONGEST);
    }
  } catch {
    // cut, or no JSON
  }
  return null;
}

/** What a sub-agent waits for: it is shown although its steps are folded away, or nobody would decide. */
export function waitingIn(children: readonly Item[]): Item[] {
  return children.filter((child) => (child.kind === "tool" || child.kind === "approval") && child.approval?.state === "pending");
}
