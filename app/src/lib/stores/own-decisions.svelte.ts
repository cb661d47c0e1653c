import type { RequestError } from "../client/errors";
import { uuid7 } from "../ids/uuid7";
import type { Door } from "../link/door";
import type { NewItem, OutboxItem } from "../outbox/outbox";
import type { ApprovalInfo, DecisionScope, DecisionVerdict } from "../protocol/generated";
import type { OwnDecision } from "./decisions";

/** What a decision says beyond yes or no. */
export interface DecisionExtras {
  readonly reason?: string | undefined;
  readonly answers?: string | undefined;
  readonly interrupt?: boolean | undefined;
}

/** A decision on its way to the machine. */
export type DecisionItem = Extract<OutboxItem, { type: "agent_prompt_response" }>;

interface Of {
  readonly machineId: string;
  readonly sign: Door["signDecision"];
  readonly outbox: () => readonly OutboxItem[];
  readonly send: (id: string, item: NewItem) => Promise<void>;
}

/** The decisions made on this device: one for each approval, signed before it is stored and sent. */
export class OwnDecisions {
  readonly #of: Of;
  readonly #deciding = new Set<string>();
  /** Those that have left the outbox. */
  #settled = $state.raw<ReadonlyMap<string, OwnDecision>>(new Map());

  constructor(of: Of) {
    this.#of = of;
  }

  /** This device's decision on an approval, when it made one. */
  on(approvalId: string): OwnDecision | null {
    const item = this.#of.outbox().find((other) => other.type === "agent_prompt_response" && other.payload.approvalId === approvalId);
    if (item?.type === "agent_prompt_response") return said(item, item.state === "sent" ? "sent" : "saved");
    return this.#settled.get(approvalId) ?? null;
  }

  /** Signs, stores and sends a decision. Does nothing when this device has already decided. */
  async decide(approval: ApprovalInfo, verdict: DecisionVerdict, scope: DecisionScope, extras: DecisionExtras): Promise<void> {
    const { approvalId, digest } = approval;
    const earlier = this.on(approvalId);
    if ((earlier && earlier.state !== "refused") || approval.state !== "pending" || this.#deciding.has(approvalId)) return;
    this.#deciding.add(approvalId);
    try {
      const decisionId = uuid7();
      const { reason, answers, interrupt = false } = extras;
      const signature = await this.#of.sign({
        machineId: this.#of.machineId,
        approvalId,
        decisionId,
        digest,
        verdict,
        scope,
        reason: reason ?? "",
        answers: answers ?? "",
        interrupt,
      });
      await this.#of.send(decisionId, {
        type: "agent_prompt_response",
        payload: { approvalId, decisionId, verdict, scope, digest, signature, reason: reason ?? null, answers: answers ?? null, interrupt },
      });
    } finally {
      this.#deciding.delete(approvalId);
    }
  }

  recorded(item: DecisionItem): void {
    this.#settle(item, said(item, "recorded"));
  }

  refused(item: DecisionItem, error: RequestError): void {
    this.#settle(item, { ...said(item, "refused"), error: { code: error.code, message: error.message } });
  }

  #settle(item: DecisionItem, decision: OwnDecision): void {
    this.#settled = new Map(this.#settled).set(item.payload.approvalId, decision);
  }
}

function said(item: DecisionItem, state: OwnDecision["state"]): OwnDecision {
  const { decisionId, verdict, scope, answers = null } = item.payload;
  return { decisionId, verdict, scope, answers, state, error: null };
}
