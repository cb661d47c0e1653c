import { RequestError } from "$lib/client/errors";
import { uuid7 } from "$lib/ids/uuid7";
import { LedgerMemory } from "$lib/ledger/memory";
import type { OutboxItem } from "$lib/outbox/outbox";
import type { ApprovalInfo, DecisionRequest, DecisionVerdict } from "$lib/protocol/generated";
import type { MachineStorage } from "$lib/storage/database";
import type { WorkerDoor } from "./door";
import { Line, type Refusal } from "./line";
import type { Asked } from "./show";

/** What became of a button that was pressed in a notification. Nothing but `recorded` and `unanswered` may have changed anything. */
export type Outcome =
  | { readonly kind: "recorded" }
  /** It was signed and stored here, and may have been sent: the app sends the same again, under the same id. */
  | { readonly kind: "unanswered" }
  /** Nothing was signed: the machine could not be asked. */
  | { readonly kind: "unreachable" }
  | { readonly kind: "over" | "changed" | "may_not" | "alarm" | "begun" }
  | { readonly kind: "refused"; readonly code: Refusal };

export interface Deciding {
  readonly door: WorkerDoor;
  readonly storage: MachineStorage;
  readonly app: string;
  /** For all of it. */
  readonly limitMs: number;
  /** From a failure that may pass to the next try. */
  readonly againMs: number;
}

/**
 * Decides what a notification asked, as the app would: fetched over the channel, compared with what was shown, signed with this device's key, stored, sent, and only
 * called recorded once the machine says so.
 */
export async function decide(asked: Asked, verdict: DecisionVerdict, { door, storage, app, limitMs, againMs }: Deciding): Promise<Outcome> {
  const { approvalId, digest } = asked;
  if (verdict === "allow" && !asked.whole) return { kind: "changed" };
  const waiting = await storage.all<OutboxItem>("outbox");
  if (waiting.some((item) => item.type === "agent_prompt_response" && item.payload.approvalId === approvalId)) return { kind: "begun" };
  const line = new Line(door, app, limitMs);
  try {
    const no = await lookAt(line, asked, verdict, door, storage);
    if (no) return no;
    const decisionId = uuid7();
    const fields = { approvalId, decisionId, digest, verdict, scope: "once" } as const;
    const signature = await door.signDecision({
      ...fields,
      machineId: door.paired.machineId,
      reason: "",
      answers: "",
      interrupt: false,
    });
    const payload: DecisionRequest = { ...fields, signature, reason: null, answers: null, interrupt: false };
    const item: OutboxItem = {
      id: decisionId,
      machineId: door.paired.machineId,
      createdAt: Date.now(),
      state: "sent",
      type: "agent_prompt_response",
      payload,
    };
    // Stored before it goes out, where the app keeps its own: what gets no answer now is sent again by the app and counts once.
    await storage.put("outbox", decisionId, item);
    const outcome = await send(line, payload, againMs);
    // One that stays behind is sent again by the app, and counts once.
    if (outcome.kind !== "unanswered") await storage.delete("outbox", decisionId).catch(() => undefined);
    return outcome;
  } finally {
    line.close();
  }
}

/** What the machine has under this id, and whether it is what was shown; null: it is. */
async function lookAt(
  line: Line,
  asked: Asked,
  verdict: DecisionVerdict,
  door: WorkerDoor,
  storage: MachineStorage,
): Promise<Outcome | null> {
  try {
    const hello = await line.ready();
    if (!hello.scopes.includes("decide")) return { kind: "may_not" };
    // As in the app: on top of a ledger that is not the one that this device knows nothing is decided.
    const checked = await new LedgerMemory(storage).check(
      hello.ledger,
      (head) => door.verifyHead(door.paired, head),
      (atSeq, remembered) => line.request("ledger_head", { atSeq, remembered }),
    );
    if ("shown" in checked) return { kind: "alarm" };
    const { approvals } = await line.request("approvals_list", { pending: true, agentSessionId: asked.agentSessionId });
    const approval = approvals.find((one) => one.approvalId === asked.approvalId);
    if (approval?.state !== "pending") return { kind: "over" };
    if (approval.digest !== asked.digest) return { kind: "changed" };
    return verdict === "deny" || isWhatWasShown(asked, approval) ? null : { kind: "changed" };
  } catch (error) {
    return before(error);
  }
}

/**
 * Whether the line that was shown is all that is allowed. The notice said so, and a notice is no proof: whoever had its keys could show one thing and name the digest
 * of another.
 */
export function isWhatWasShown(asked: Asked, approval: ApprovalInfo): boolean {
  const { subject, risk } = approval;
  return (
    subject.kind === "command" &&
    subject.command === asked.what &&
    subject.cwd === asked.folder &&
    (subject.stdin ?? null) === null &&
    subject.background !== true &&
    (subject.scripts ?? []).length === 0 &&
    risk?.understood === true &&
    (risk.tier === "read" || risk.tier === "workspace_write") &&
    risk.tier === asked.tier &&
    approval.sandbox === asked.sandbox
  );
}

async function send(line: Line, payload: DecisionRequest, againMs: number): Promise<Outcome> {
  for (;;) {
    try {
      await line.ready();
      const { approval } = await line.request("agent_prompt_response", payload);
      return approval.decision?.decisionId === payload.decisionId ? { kind: "recorded" } : { kind: "over" };
    } catch (error) {
      const failure = asRequestError(error);
      if (!failure.transient) return refusal(failure);
      if (line.over) return { kind: "unanswered" };
      if (failure.code !== "OFFLINE") await new Promise((resolve) => setTimeout(resolve, againMs));
    }
  }
}

/** A failure while nothing was signed yet. */
function before(error: unknown): Outcome {
  const failure = asRequestError(error);
  return failure.transient ? { kind: "unreachable" } : refusal(failure);
}

function refusal({ code }: RequestError): Outcome {
  switch (code) {
    case "ALREADY_DECIDED":
    case "APPROVAL_NOT_FOUND":
      return { kind: "over" };
    case "DIGEST_MISMATCH":
      return { kind: "changed" };
    case "PERMISSION_DENIED":
      return { kind: "may_not" };
    case "LEDGER_DISTRUSTED":
      return { kind: "alarm" };
    default:
      return { kind: "refused", code };
  }
}

function asRequestError(error: unknown): RequestError {
  return error instanceof RequestError ? error : new RequestError("UNKNOWN_ERROR", String(error));
}
