import type { PushNotice, PushNoticeKind, RiskTier, SandboxKind } from "../protocol/generated";

/** A notice as the machine made it, with every field looked at. */
export type Notice = Required<{ [K in keyof PushNotice]: Exclude<PushNotice[K], undefined> }>;

/** Characters of a whole message: the machine sends 3,000 bytes at most. */
const MESSAGE = 4_096;
/** Characters of a line of what is asked for, of a name, of a folder, of a tag (PushLimits of the machine). */
const WHAT = 160;
const NAME = 40;
const FOLDER = 80;
const TAG = 80;
const MOST_WAITING = 100_000;

const KINDS: ReadonlySet<string> = new Set<PushNoticeKind>([
  "plan",
  "question",
  "mcp_request",
  "permission",
  "task_error",
  "task_complete",
  "settled",
  "digest",
  "test",
]);
/** What waits for a decision. */
const ASKS: ReadonlySet<string> = new Set<PushNoticeKind>(["plan", "question", "mcp_request", "permission"]);
const TIERS: ReadonlySet<string> = new Set<RiskTier>(["read", "workspace_write", "reaches_out", "destructive"]);
const SANDBOXES: ReadonlySet<string> = new Set<SandboxKind>(["none", "bubblewrap", "docker", "landlock"]);
const OUTCOMES: ReadonlySet<string> = new Set(["allowed", "denied", "over"]);
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const MACHINE = /^[0-9a-f]{32}$/;
const DIGEST = /^[0-9a-f]{64}$/;

/** Whether a notice asks for a decision. */
export function asks(kind: PushNoticeKind): boolean {
  return ASKS.has(kind);
}

/**
 * Reads what came by the push service. Null for whatever is not a whole notice of this version, or is about another machine than the one that was subscribed to:
 * nothing of it is shown then. Members that are not known are ignored.
 */
export function readNotice(text: string | null, machineId: string): Notice | null {
  if (text === null || text.length > MESSAGE) return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null; // damaged
  }
  if (typeof value !== "object" || value === null) return null;
  const of = value as Record<string, unknown>;
  const part = <T>(name: string, is: (given: unknown) => boolean): T | null => {
    const given = of[name] ?? null;
    if (given === null || is(given)) return given as T | null;
    throw new Unreadable();
  };
  try {
    const kind = part<PushNoticeKind>("kind", among(KINDS));
    const machine = part<string>("machineId", matches(MACHINE));
    const waiting = part<number>("waiting", (given) => Number.isInteger(given) && Number(given) >= 0 && Number(given) <= MOST_WAITING);
    const notice: Notice = {
      v: 1,
      machineId,
      machine: part<string>("machine", upTo(NAME)) ?? "",
      kind: kind ?? "test",
      tag: part<string>("tag", (given) => upTo(TAG)(given) && /^[\w/-]+$/.test(given as string)) ?? "",
      waiting: waiting ?? 0,
      at: part<string>("at", (given) => upTo(NAME)(given) && !Number.isNaN(Date.parse(given as string))) ?? "",
      approvalId: part("approvalId", matches(ID)),
      agentSessionId: part("agentSessionId", matches(ID)),
      digest: part("digest", matches(DIGEST)),
      session: part("session", upTo(NAME)),
      project: part("project", upTo(NAME)),
      tier: part("tier", among(TIERS)),
      sandbox: part("sandbox", among(SANDBOXES)),
      what: part("what", upTo(WHAT)),
      whole: part<boolean>("whole", isBoolean) ?? false,
      folder: part("folder", upTo(FOLDER)),
      denies: part<boolean>("denies", isBoolean) ?? false,
      outcome: part("outcome", among(OUTCOMES)),
      expiresAt: part("expiresAt", (given) => upTo(NAME)(given) && !Number.isNaN(Date.parse(given as string))),
    };
    if (of["v"] !== 1 || kind === null || machine !== machineId || notice.tag === "" || waiting === null) return null;
    if ((asks(kind) || kind === "settled") && notice.approvalId === null) return null;
    if (kind === "settled" && notice.outcome === null) return null;
    return notice;
  } catch (error) {
    if (error instanceof Unreadable) return null;
    throw error;
  }
}

/** One member is not what it must be; with it nothing of the message counts. */
class Unreadable extends Error {}

const upTo =
  (length: number) =>
  (given: unknown): boolean =>
    typeof given === "string" && given.length <= length;
const matches =
  (form: RegExp) =>
  (given: unknown): boolean =>
    typeof given === "string" && form.test(given);
const among =
  (words: ReadonlySet<string>) =>
  (given: unknown): boolean =>
    typeof given === "string" && words.has(given);
const isBoolean = (given: unknown): boolean => typeof given === "boolean";
