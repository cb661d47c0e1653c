import type { ApprovalInfo } from "../protocol/generated";
import type { Route } from "../router/router.svelte";
import type { OwnDecision } from "./decisions";

/**
 * What waits for a person and is not in view: without what this route shows and what this device has decided. The next one first: after the open decision in the
 * order of `pending`, then from the beginning.
 */
export function othersWaiting(
  pending: readonly ApprovalInfo[],
  own: (approvalId: string) => OwnDecision | null,
  route: Route,
): readonly ApprovalInfo[] {
  const open = route.name === "inbox" ? route.approvalId : null;
  // A session's transcript has its approvals; its terminal has not.
  const session = route.name === "sessions" && route.terminal === undefined ? route.agentSessionId : null;
  const at = pending.findIndex((approval) => approval.approvalId === open);
  return [...pending.slice(at + 1), ...pending.slice(0, Math.max(0, at))].filter((approval) => {
    const decision = own(approval.approvalId);
    return (decision === null || decision.state === "refused") && (session === null || approval.agentSessionId !== session);
  });
}
