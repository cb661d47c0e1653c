import type { Client } from "./client";

/** Bytes asked for at a time. */
export const PAGE = 256 * 1024;

/** The bytes of base64 text. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return bytes;
}

/** A file that the agent sent, whole or at most `limit` bytes of it. Rejects with a RequestError. */
export async function readSentFile(
  client: Client,
  agentSessionId: string,
  fileId: string,
  limit: number,
): Promise<Uint8Array<ArrayBuffer>[]> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for (let offset = 0; offset < limit;) {
    const part = await client.request("sent_file", { agentSessionId, fileId, offset, limit: Math.min(4 * PAGE, limit - offset) });
    const bytes = fromBase64(part.data);
    if (bytes.length === 0) break;
    parts.push(bytes);
    offset += bytes.length;
  }
  return parts;
}
