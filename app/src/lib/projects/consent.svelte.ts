import { RequestError } from "../client/errors";
import type { ApprovalInfo, Requests } from "../protocol/generated";
import { p } from "../strings/project";
import type { Workspace } from "../stores/workspace.svelte";

/** What was asked for was not done, for a reason that the person knows: in our words. */
export class NotDone extends Error {}

type Agreed = keyof Requests;

/**
 * Requests of which some must be allowed first. Then the approval is shown at once, and when it is allowed the request goes on by itself: what reads is asked
 * for again with the approval, what changes something was done by the machine.
 */
export class Consent {
  readonly #workspace: Workspace;
  /** The approval to show; null: none. */
  shown = $state<string | null>(null);
  #leave: (() => void) | null = null;

  constructor(workspace: Workspace) {
    this.#workspace = workspace;
  }

  /** The answer; null: the machine did it itself after it was allowed, and there is no answer to see. Rejects with a RequestError or NotDone. */
  async ask<T extends Agreed>(type: T, payload: Requests[T]["request"], limitMs?: number): Promise<Requests[T]["response"] | null> {
    const { client } = this.#workspace;
    try {
      return await client.request(type, payload, limitMs);
    } catch (error) {
      const approvalId = error instanceof RequestError && error.code === "APPROVAL_REQUIRED" ? error.details.approvalId : undefined;
      if (approvalId === undefined) throw error;
      const settled = await this.#decided(approvalId);
      if (settled.execution) {
        if (settled.execution.error) throw new NotDone(settled.execution.error);
        if (type.startsWith("fs_") || type === "command_exec") this.close(approvalId); // what became of a git request is read on its card
        return null;
      }
      this.close(approvalId);
      return await client.request(type, { ...payload, approvalId } as Requests[T]["request"], limitMs);
    }
  }

  /** Shows an approval that the machine made, and waits until what it allows is done. Rejects with NotDone. */
  async settle(approval: ApprovalInfo): Promise<ApprovalInfo> {
    if (!this.#workspace.approvals.has(approval.approvalId)) this.#workspace.putApproval(approval);
    const settled = await this.#decided(approval.approvalId);
    if (settled.execution?.error) throw new NotDone(settled.execution.error);
    return settled;
  }

  /** As `ask`, for what only reads: there is always an answer. */
  async read<T extends Agreed>(type: T, payload: Requests[T]["request"], limitMs?: number): Promise<Requests[T]["response"]> {
    const answer = await this.ask(type, payload, limitMs);
    if (answer === null) throw new NotDone(p.consent.unknown);
    return answer;
  }

  /** The person closed the sheet. What waits goes on waiting, in the inbox. */
  dismiss(): void {
    this.shown = null;
    this.#leave?.();
  }

  close(approvalId: string): void {
    if (this.shown === approvalId) this.shown = null;
  }

  async #decided(approvalId: string): Promise<ApprovalInfo> {
    const workspace = this.#workspace;
    this.#leave?.();
    this.shown = approvalId;
    if (!workspace.approvals.has(approvalId)) workspace.lookUp([approvalId]);
    return await new Promise<ApprovalInfo>((resolve, reject) => {
      const finish = (settle: () => void): void => {
        this.#leave = null;
        queueMicrotask(() => stop());
        settle();
      };
      const stop = $effect.root(() => {
        $effect(() => {
          const approval = workspace.approvals.get(approvalId);
          switch (approval?.state) {
            case "running":
              if (approval.kind === "command") finish(() => resolve(approval)); // what it writes is followed elsewhere
              break;
            case "finished":
              finish(() => resolve(approval));
              break;
            case "denied":
              this.close(approvalId);
              finish(() => reject(new NotDone(p.consent.denied)));
              break;
            case "expired":
            case "withdrawn":
              finish(() => reject(new NotDone(p.consent.over)));
              break;
            case "unknown":
              finish(() => reject(new NotDone(p.consent.unknown)));
              break;
          }
        });
      });
      this.#leave = () => finish(() => reject(new NotDone(p.consent.later)));
    });
  }
}
