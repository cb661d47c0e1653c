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
