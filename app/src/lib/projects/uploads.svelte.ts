import { RequestError } from "../client/errors";
import { uuid7 } from "../ids/uuid7";
import type { Workspace } from "../stores/workspace.svelte";
import type { Consent } from "./consent.svelte";
import { sha256 } from "./open-file.svelte";
import { join, typed } from "./paths";
import { tell } from "./tell";
import { toBase64 } from "../text/base64";

/** Bytes of a piece: the machine takes 512 KiB; smaller ones show that something happens on a slow line. */
const PIECE = 256 * 1024;
const AGAIN_MS = 1500;

export interface Upload {
  readonly id: string;
  readonly path: string;
  readonly file: File;
  sent: number;
  state: "hashing" | "sending" | "waiting" | "there" | "done" | "failed";
  problem: string;
  /** What the machine has at that place, when it has something. */
  etag: string | null;
}

/** Files on their way into a project, one after the other; each goes on where it was after a lost connection. They live as long as the app is open. */
export class Uploads {
  readonly #workspace: Workspace;
  readonly #consent: Consent;
  readonly projectId: string;
  readonly #done: () => void;
  #working = false;

  list = $state<Upload[]>([]);

  constructor(workspace: Workspace, consent: Consent, projectId: string, done: () => void) {
    this.#workspace = workspace;
    this.#consent = consent;
    this.projectId = projectId;
    this.#done = done;
  }

  add(files: Iterable<File>, folder: string): void {
    for (const file of files)
      this.list.push({ id: uuid7(), path: join(folder, typed(file.name)), file, sent: 0, state: "hashing", problem: "", etag: null });
    void this.#work();
  }

  async remove(id: string): Promise<void> {
    const upload = this.list.find((other) => other.id === id);
    this.list = this.list.filter((other) => other.id !== id);
    if (upload && upload.state !== "done")
      await this.#workspace.client.request("fs_upload_discard", { projectId: this.projectId, uploadId: id }).catch(() => undefined); // the machine forgets it by itself after a day
  }

  /** Over what stands there: the person has seen that something does. */
  replace(id: string): void {
    const upload = this.list.find((other) => other.id === id);
    if (!upload || upload.state !== "there") return;
    const etag = upload.etag;
    this.list = this.list.map((other) => (other.id === id ? { ...other, id: uuid7(), sent: 0, state: "hashing", etag } : other));
    void this.#work();
  }

  retry(id: string): void {
    const upload = this.list.find((other) => other.id === id);
    if (upload) upload.state = "waiting";
    void this.#work();
  }

  async #work(): Promise<void> {
    if (this.#working) return;
    this.#working = true;
    try {
      for (let next = this.#next(); next !== undefined; next = this.#next()) await this.#send(next);
    } finally {
      this.#working = false;
    }
  }

  #next(): Upload | undefined {
    return this.list.find((upload) => upload.state === "hashing" || upload.state === "sending" || upload.state === "waiting");
  }

  async #send(upload: Upload): Promise<void> {
    const { client } = this.#workspace;
    const { projectId } = this;
    const { id: uploadId, path, file } = upload;
    try {
      const begun = await client.request("fs_upload_begin", {
        projectId,
        uploadId,
        path,
        bytes: file.size,
        sha256: await sha256(file),
        ...(upload.etag === null ? { ifNoneMatch: true } : { expectedEtag: upload.etag }),
      });
      upload.state = "sending";
      upload.sent = begun.offset;
      while (upload.sent < file.size) {
        if (!this.list.includes(upload)) return;
        const piece = new Uint8Array(await file.slice(upload.sent, upload.sent + PIECE).arrayBuffer());
        upload.sent = (
          await client.request("fs_upload_chunk", { projectId, uploadId, offset: upload.sent, data: toBase64(piece) }, 60_000)
        ).offset;
      }
      await this.#consent.ask("fs_upload_end", { projectId, uploadId }, 120_000);
      upload.state = "done";
      this.#done();
    } catch (error) {
      if (error instanceof RequestError && (error.code === "OFFLINE" || error.code === "TIMEOUT")) {
        upload.state = "waiting";
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      } else if (
        error instanceof RequestError &&
        (error.code === "FILE_EXISTS" || error.code === "CONFLICT") &&
        error.details.etag !== undefined
      ) {
        upload.etag = error.details.etag;
        upload.state = "there";
      } else {
        upload.problem = tell(error);
        upload.state = "failed";
      }
    }
  }
}
