import { fromBase64 } from "$lib/client/ranges";
import type { AttachmentInfo, ErrorCode, Requests } from "$lib/protocol/generated";

type Answers<T extends keyof Requests> = { [K in T]: (request: Requests[K]["request"]) => Requests[K]["response"] };

interface Upload {
  name: string;
  bytes: number;
  got: Uint8Array<ArrayBuffer>;
  done: boolean;
}

/** What is uploaded to the mock machine, and the names of its projects' files. */
export class MockFiles {
  readonly uploads = new Map<string, Upload>();
  readonly names = [
    "README.md",
    "package.json",
    "src/server.ts",
    "src/session/session-store.ts",
    "src/session/Session.svelte",
    "src/a long name with spaces that goes on and on until it is cut.ts",
    "tests/session.test.ts",
    "docs/api.md",
  ];

  /** As in a turn. */
  info(attachmentId: string): AttachmentInfo {
    const upload = this.uploads.get(attachmentId);
    const picture = /\.(png|jpe?g)$/.exec(upload?.name ?? "");
    return {
      attachmentId,
      name: upload?.name ?? "",
      mediaType: picture ? (picture[1] === "png" ? "image/png" : "image/jpeg") : "text/plain",
      bytes: upload?.bytes ?? 0,
    };
  }

  answers(
    refuse: (code: ErrorCode) => never,
  ): Answers<"attachment_begin" | "attachment_chunk" | "attachment_end" | "attachment_discard" | "attachment_read" | "files_find"> {
    const find = (id: string): Upload => this.uploads.get(id) ?? refuse("FILE_NOT_FOUND");
    return {
      attachment_begin: ({ attachmentId, name, bytes }) => {
        const upload = this.uploads.get(attachmentId) ?? { name, bytes, got: new Uint8Array(), done: false };
        this.uploads.set(attachmentId, upload);
        return { attachmentId, offset: upload.got.length, attachment: upload.done ? this.info(attachmentId) : null };
      },
      attachment_chunk: ({ attachmentId, offset, data }) => {
        const upload = find(attachmentId);
        if (offset > upload.got.length) refuse("CONFLICT");
        const piece = fromBase64(data);
        const got = new Uint8Array(Math.max(upload.got.length, offset + piece.length));
        got.set(upload.got);
        got.set(piece, offset);
        upload.got = got;
        return { attachmentId, offset: got.length };
      },
      attachment_end: ({ attachmentId }) => {
        const upload = find(attachmentId);
        if (upload.got.length !== upload.bytes) refuse("CONFLICT");
        upload.done = true;
        return { attachment: this.info(attachmentId) };
      },
      attachment_discard: ({ attachmentId }) => ({ discarded: this.uploads.delete(attachmentId) }),
      attachment_read: ({ attachmentId, offset, limit }) => {
        const { got } = find(attachmentId);
        const from = offset ?? 0;
        return {
          attachmentId,
          offset: from,
          data: btoa(String.fromCharCode(...got.subarray(from, from + (limit ?? 4096)))),
          bytes: got.length,
        };
      },
      files_find: ({ query }) => ({ paths: this.names.filter((name) => name.toLowerCase().includes(query.toLowerCase())), partial: false }),
    };
  }
}
