import { type DeviceIdentity, verify } from "../channel";
import { fromBase64Url, toBase64Url } from "../text/base64url";
import type { LedgerHead } from "../protocol/generated";
import type { DecisionFields, PairedMachine, UndoFields } from "./door";

const DECISION = "pocketcoder-decision-v2";
const UNDO = "pocketcoder-undo-v1";
const HEAD = "pocketcoder-ledger-head-v1";

export async function signDecision(identity: DeviceIdentity, fields: DecisionFields): Promise<string> {
  return toBase64Url(await identity.sign(DECISION, ...(await decisionText(fields))));
}

export async function signUndo(identity: DeviceIdentity, fields: UndoFields): Promise<string> {
  return toBase64Url(await identity.sign(UNDO, ...undoText(fields)));
}

/** Whether the machine that this device was paired with signed this head. */
export async function verifyHead(machine: Pick<PairedMachine, "machineId" | "signingKey">, head: LedgerHead): Promise<boolean> {
  const signature = tryFromBase64Url(head.signature);
  return signature !== null && verify(fromBase64Url(machine.signingKey), signature, HEAD, ...headText(machine.machineId, head));
}

/** The fields of a decision's signature in their order; texts that may hold line ends go in as hashes. */
export async function decisionText(fields: DecisionFields): Promise<string[]> {
  const { machineId, approvalId, decisionId, digest, verdict, scope, reason, answers, interrupt } = fields;
  return [machineId, approvalId, decisionId, digest, verdict, scope, await sha256(reason), await sha256(answers), String(interrupt)];
}

/** The fields of an undo's signature in their order. */
export function undoText(fields: UndoFields): string[] {
  const { machineId, undoId, kind, targetId, digest, force } = fields;
  return [machineId, undoId, kind, targetId, digest, String(force)];
}

export function headText(machineId: string, head: LedgerHead): string[] {
  return [machineId, head.epoch, String(head.seq), head.hash];
}

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function tryFromBase64Url(text: string): Uint8Array<ArrayBuffer> | null {
  try {
    return fromBase64Url(text);
  } catch {
    return null; // not base64url: no signature
  }
}
