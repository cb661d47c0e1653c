import type { Client } from "../client/client";
import { fromBase64, PAGE } from "../client/ranges";
import type { AttachmentInfo } from "../protocol/generated";
import { isPicture } from "./picture";

/** Pictures kept in memory; what is older is read again. */
const KEPT = 24;

/** A file that went with a prompt, whole. Rejects with a RequestError. */
export async function readAttachment(client: Pick<Client, "request">, file: AttachmentInfo): Promise<Blob> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for (let offset = 0; offset < file.bytes;) {
    const part = await client.request("attachment_read", { attachmentId: file.attachmentId, offset, limit: PAGE });
    const bytes = fromBase64(part.data);
    if (bytes.length === 0) break;
    parts.push(bytes);
    offset += bytes.length;
  }
  // Never under a type that a browser would run: only the four kinds of pictures keep theirs.
  return new Blob(parts, { type: isPicture(file.mediaType) ? file.mediaType : "application/octet-stream" });
}

/** Addresses of pictures in this page's memory, each read once. */
export class Thumbnails {
  readonly #client: Pick<Client, "request">;
  readonly #known = new Map<string, Promise<string>>();

  constructor(client: Pick<Client, "request">) {
    this.#client = client;
  }

  of(file: AttachmentInfo): Promise<string> {
    const known = this.#known.get(file.attachmentId);
    if (known) return known;
    const address = readAttachment(this.#client, file).then((blob) => URL.createObjectURL(blob));
    this.#known.set(file.attachmentId, address);
    address.catch(() => this.#known.delete(file.attachmentId)); // read again with the next look
    for (const [id, old] of [...this.#known].slice(0, -KEPT)) {
      this.#known.delete(id);
      old.then(
        (url) => URL.revokeObjectURL(url),
        () => undefined,
      ); // a failed one has none
    }
    return address;
  }
}
