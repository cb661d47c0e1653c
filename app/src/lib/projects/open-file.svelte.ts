import { RequestError } from "../client/errors";
import { fromBase64 } from "../client/ranges";
import type { FsReadResponse } from "../protocol/generated";
import type { Workspace } from "../stores/workspace.svelte";
import { p } from "../strings/project";
import type { Consent } from "./consent.svelte";
import { tell } from "./tell";

/** Bytes that `fs_read` gives at most, and that `fs_write` takes at most. */
export const READ_LIMIT = 10 * 1024 * 1024;
export const WRITE_LIMIT = 1024 * 1024;
/** A file that changes while it is read is begun anew, this often. */
const TRIES = 3;

/** What stands on the machine in place of what was edited. `text` null: nothing, or no text. */
export interface Theirs {
  readonly etag: string | null;
  readonly text: string | null;
}

interface Draft {
  readonly etag: string | null;
  readonly text: string;
}

/** A file that is looked at, and perhaps edited. What was edited and not saved is kept on this device until it is saved or thrown away. */
export class OpenFile {
  readonly #workspace: Workspace;
  readonly #consent: Consent;
  readonly projectId: string;
  readonly path: string;
  readonly #place: string;

  state = $state<"reading" | "text" | "binary" | "large" | "failed">("reading");
  problem = $state("");
  /** As it is on the machine, as far as is known here. */
  saved = $state.raw("");
  /** As it is in the editor. */
  text = $state.raw("");
  /** Counts up when `text` was set by something else than the editor, which then takes it. */
  version = $state(0);
  bytes = $state(0);
  content = $state.raw<Uint8Array<ArrayBuffer> | null>(null);
  conflict = $state.raw<Theirs | null>(null);
  saving = $state(false);
  justSaved = $state(false);
  #etag: string | null = null;

  constructor(workspace: Workspace, consent: Consent, projectId: string, path: string) {
    this.#workspace = workspace;
    this.#consent = consent;
    this.projectId = projectId;
    this.path = path;
    this.#place = `file/${projectId}/${path}`;
  }

  get dirty(): boolean {
    return this.state === "text" && this.text !== this.saved;
  }

  /** Of the content that what is edited began with. */
  get etag(): string | null {
    return this.#etag;
  }

  async open(): Promise<void> {
    this.state = "reading";
    this.problem = "";
    this.conflict = null;
    try {
      const read = await this.#read();
      this.bytes = read.bytes;
      this.#etag = read.etag;
      if (read.text === null) {
        this.content = read.content;
        this.state = "binary";
        return;
      }
      this.saved = read.text;
      this.#show(read.text);
      this.state = "text";
      await this.#takeDraft();
    } catch (error) {
      if (error instanceof RequestError && error.code === "FILE_TOO_LARGE") this.state = "large";
      else {
        this.problem = tell(error);
        this.state = "failed";
      }
    }
  }

  /** From the editor, with every key. */
  edit(text: string): void {
    this.text = text;
    this.justSaved = false;
    this.#keep();
  }

  revert(): void {
    this.#show(this.saved);
    this.conflict = null;
    this.#keep();
  }

  /** Writes what is edited over what it began with; anything else there is a conflict, and nothing is written. */
  async save(): Promise<void> {
    if (this.saving || this.state !== "text") return;
    const { projectId, path, text } = this;
    this.saving = true;
    this.problem = "";
    try {
      const answer = await this.#consent.ask("fs_write", {
        projectId,
        path,
        content: text,
        ...(this.#etag === null ? { ifNoneMatch: true } : { expectedEtag: this.#etag }),
      });
      this.#etag = answer?.etag ?? (await this.#workspace.client.request("fs_stat", { projectId, path, etag: true })).etag;
      this.saved = text;
      this.conflict = null;
      this.justSaved = true;
      this.#keep();
    } catch (error) {
      if (error instanceof RequestError && (error.code === "CONFLICT" || error.code === "FILE_EXISTS")) await this.#lookAtTheirs();
      else this.problem = tell(error);
    } finally {
      this.saving = false;
    }
  }

  async keepMine(): Promise<void> {
    if (!this.conflict) return;
    this.#etag = this.conflict.etag;
    await this.save();
  }

  takeTheirs(): void {
    const theirs = this.conflict;
    if (theirs?.text === null || theirs?.text === undefined) return;
    this.#etag = theirs.etag;
    this.saved = theirs.text;
    this.conflict = null;
    this.#show(theirs.text);
    this.#keep();
  }

  async #lookAtTheirs(): Promise<void> {
    try {
      const theirs = await this.#read();
      this.conflict = { etag: theirs.etag, text: theirs.text };
    } catch (error) {
      if (error instanceof RequestError && error.code === "FILE_NOT_FOUND") this.conflict = { etag: null, text: null };
      else this.problem = tell(error);
    }
  }

  async #takeDraft(): Promise<void> {
    const kept = await this.#workspace.drafts.read(this.#place);
    if (kept === "") return;
    const draft = JSON.parse(kept) as Draft;
    if (draft.text === this.saved) {
      this.#workspace.drafts.write(this.#place, "");
      return;
    }
    this.#etag = draft.etag; // so that saving tells when the file is another one by now
    this.#show(draft.text);
  }

  #keep(): void {
    this.#workspace.drafts.write(this.#place, this.dirty ? JSON.stringify({ etag: this.#etag, text: this.text } satisfies Draft) : "");
  }

  #show(text: string): void {
    this.text = text;
    this.version++;
  }

  async #read(): Promise<{ text: string | null; content: Uint8Array<ArrayBuffer>; etag: string; bytes: number }> {
    const { projectId, path } = this;
    for (let tried = 1; ; tried++) {
      try {
        const first = await this.#consent.read("fs_read", { projectId, path });
        const parts = [first];
        for (let next = first.nextOffset; next !== null; next = parts[parts.length - 1]?.nextOffset ?? null) {
          parts.push(
            await this.#consent.read("fs_read", { projectId, path, encoding: first.encoding, offset: next, expectedEtag: first.etag }),
          );
        }
        return {
          text: first.encoding === "utf8" ? parts.map((part) => part.content).join("") : null,
          content: first.encoding === "utf8" ? new Uint8Array() : joined(parts),
          etag: first.etag,
          bytes: first.bytes,
        };
      } catch (error) {
        if (!(error instanceof RequestError && error.code === "CONFLICT") || tried >= TRIES) throw error;
      }
    }
  }
}

function joined(parts: readonly FsReadResponse[]): Uint8Array<ArrayBuffer> {
  const pieces = parts.map((part) => fromBase64(part.content));
  const all = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/** Whole files for the device: read in pieces, compared with the machine's digest in the end. */
export async function download(consent: Consent, projectId: string, path: string, progress: (part: number) => void): Promise<File> {
  const begin = await consent.read("fs_download_begin", { projectId, path });
  const { version } = begin;
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  for (let offset = 0; begin.bytes > 0;) {
    const piece = await consent.read("fs_download_chunk", { projectId, path, version, offset });
    pieces.push(fromBase64(piece.data));
    if (piece.nextOffset === null) break;
    offset = piece.nextOffset;
    progress(offset / begin.bytes);
  }
  const end = await consent.read("fs_download_end", { projectId, path, version }, 120_000);
  // Never under a type that a page could run.
  const file = new File(pieces, begin.name, {
    type: /^(image\/(png|jpeg|gif|webp)|application\/pdf|text\/plain)$/.test(begin.mediaType)
      ? begin.mediaType
      : "application/octet-stream",
  });
  if ((await sha256(file)) !== end.sha256) throw new Error(p.files.readFailed);
  return file;
}

export async function sha256(file: Blob): Promise<string> {
  return Array.from(new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer())), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}
