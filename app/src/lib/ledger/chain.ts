import type { LedgerRowInfo } from "../protocol/generated";

/**
 * Recomputes on this device how rows hang together: a row's hash is SHA-256 over the previous row's hash and the row's exact text. Takes
 * rows newest first, as the machine lists them, without gaps; returns the first (lowest) row that does not follow, or null.
 */
export async function firstBroken(rows: readonly LedgerRowInfo[]): Promise<number | null> {
  let broken: number | null = null;
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i];
    const before = rows[i + 1];
    if (!row) continue;
    if (before && before.seq !== row.seq - 1) broken = row.seq;
    const previous = row.seq === 1 ? new Uint8Array(32) : before ? fromHex(before.hash) : null;
    if (previous === null) continue; // the oldest one at hand: what it follows on is not here
    if ((await chained(previous, row.body)) !== row.hash) broken = row.seq;
  }
  return broken;
}

async function chained(previous: Uint8Array, body: string): Promise<string> {
  const text = new TextEncoder().encode(body);
  const bytes = new Uint8Array(previous.length + text.length);
  bytes.set(previous);
  bytes.set(text, previous.length);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** What a row's text says, for showing. Fields that are missing or of another type are null: the exact text is always at hand. */
export interface LedgerFacts {
  readonly kind: string;
  readonly at: number | null;
  readonly actor: string | null;
  readonly deviceId: string | null;
  readonly decision: string | null;
  readonly scope: string | null;
  readonly exitCode: number | null;
  readonly what: string | null;
}

export function factsOf(body: string): LedgerFacts {
  const row = parse(body);
  const data = record(row["data"]);
  const at = Date.parse(text(row["at"]) ?? "");
  return {
    kind: text(row["kind"]) ?? "",
    at: Number.isNaN(at) ? null : at,
    actor: text(row["actor"]),
    deviceId: text(row["deviceId"]),
    decision: text(data["decision"]) ?? text(data["verdict"]),
    scope: text(data["scope"]),
    exitCode: typeof data["exitCode"] === "number" ? data["exitCode"] : null,
    what: text(data["command"]) ?? text(data["line"]) ?? text(data["shown"]) ?? text(data["path"]) ?? text(data["name"]) ?? text(data["title"]) ?? text(data["tool"]) ?? text(data["reason"]) ?? text(data["problem"]),
  };
}

function parse(body: string): Record<string, unknown> {
  try {
    return record(JSON.parse(body));
  } catch {
    return {}; // shown as its exact text
  }
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}
