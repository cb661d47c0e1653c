import type { Client } from "../client/client";
import { RequestError } from "../client/errors";
import { uuid7 } from "../ids/uuid7";
import { Limits } from "../protocol/generated";
import type { MachineStorage } from "../storage/database";
import { prepared } from "./picture";
import { toBase64 } from "../text/base64";

/** A file that a person chose, kept on this device until the machine has recorded the prompt that it goes with. */
export interface StagedFile {
  readonly id: string;
  /** The composer that it is shown in; empty: its prompt is in the outbox. */
  readonly place: string;
  readonly name: string;
  readonly blob: Blob;
  readonly sha256: string;
  /** Of its prompt; also the order of uploading. */
  readonly order: number;
  /** It came from another app: it stays on this device until its prompt is sent. */
  readonly held?: boolean;
}

/** As it lies in the database: bytes, since not every browser keeps blobs there. */
type StoredFile = Omit<StagedFile, "blob"> & { readonly type: string; readonly bytes: ArrayBuffer };

/** How far a file came. Not stored: the machine tells. */
export interface Progress {
  readonly sent: number;
  readonly done: boolean;
  /** Why the machine does not take it. */
  readonly error: string | null;
}

/** Why a file can't be taken along. */
export type Refusal = "too_many" | "too_large" | "picture" | "unreadable";

const FIRST_PIECE = 64 * 1024;
/** A piece that takes less may be followed by a larger one. */
const QUICK_MS = 800;
const RESTARTS = 3;
const NOTHING: Progress = { sent: 0, done: false, error: null };

/** The files of all composers and of prompts on their way: stored, uploaded one after the other, again from where it was after each reconnect. */
export class Attachments {
  readonly #database: MachineStorage;
  readonly #client: Pick<Client, "request">;
  #queue: Promise<unknown> = Promise.resolve();
  #order = 0;
  #online = false;

  files = $state.raw<readonly StagedFile[]>([]);
  progress = $state.raw<ReadonlyMap<string, Progress>>(new Map());

  constructor(database: MachineStorage, client: Pick<Client, "request">) {
    this.#database = database;
    this.#client = client;
  }

  /** Reads what an earlier run left. `claimed`: what prompts in the outbox take along. */
  async load(claimed: readonly string[]): Promise<void> {
    const found = await this.#database.all<StoredFile>("files");
    const known = new Set(this.files.map((file) => file.id));
    const files = found
      .filter((file) => !known.has(file.id))
      .map((file) => unstored(claimed.includes(file.id) ? { ...file, place: "", held: false } : file));
    // Sent and recorded, or its prompt was thrown away: the app ended before it could forget it.
    const over = files.filter((file) => file.place === "" && !claimed.includes(file.id));
    for (const file of over) await this.#database.delete("files", file.id);
    this.files = [...files.filter((file) => !over.includes(file)), ...this.files].sort(
      (a, b) => a.order - b.order || (a.id < b.id ? -1 : 1),
    );
    this.#order = Math.max(0, ...this.files.map((file) => file.order)) + 1;
    this.#uploadAll();
  }

  of(place: string): readonly StagedFile[] {
    return this.files.filter((file) => file.place === place);
  }

  progressOf(id: string): Progress {
    return this.progress.get(id) ?? NOTHING;
  }

  /** Stores files for a composer and begins to upload them, unless they are `held` until the prompt is sent. Returns those that can't be taken, with the reason. */
  async add(place: string, chosen: readonly File[], held = false): Promise<{ readonly name: string; readonly why: Refusal }[]> {
    const refused: { name: string; why: Refusal }[] = [];
    for (const file of chosen) {
      const name = plainName(file.name);
      const why = this.of(place).length >= Limits.attachmentsPerPrompt ? "too_many" : await this.#take(place, file, name, held);
      if (why) refused.push({ name, why });
    }
    return refused;
  }

  /** Takes a file out of its composer, and back from the machine. */
  async remove(id: string): Promise<void> {
    const held = this.files.some((file) => file.id === id && file.held);
    await this.forget([id]);
    // What can't be told now goes by itself after a day.
    if (this.#online && !held) this.#client.request("attachment_discard", { attachmentId: id }).catch((error: unknown) => expected(error));
  }

  /** Their prompt is stored: composers show them no more. */
  async claimed(ids: readonly string[]): Promise<void> {
    const moved = this.files.filter((file) => ids.includes(file.id)).map((file) => ({ ...file, place: "", held: false }));
    this.files = this.files.map((file) => moved.find((other) => other.id === file.id) ?? file);
    for (const file of moved) await this.#database.put("files", file.id, await stored(file));
  }

  /** Their prompt is recorded, or thrown away. */
  async forget(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    this.files = this.files.filter((file) => !ids.includes(file.id));
    this.progress = new Map([...this.progress].filter(([id]) => !ids.includes(id)));
    for (const id of ids) await this.#database.delete("files", id);
  }

  /** Resolves when the machine has all of them. Rejects with a RequestError. What this device no longer has is the machine's to know. */
  async uploaded(ids: readonly string[]): Promise<void> {
    for (const id of ids) await this.#enqueue(id);
  }

  connected(): void {
    this.#online = true;
    this.#uploadAll();
  }

  disconnected(): void {
    this.#online = false;
  }

  async #take(place: string, file: File, name: string, held: boolean): Promise<Refusal | null> {
    let bytes: ArrayBuffer;
    let made: { readonly blob: Blob; readonly name: string } | null;
    try {
      made = await prepared(file);
      if (!made) return "picture";
      if (made.blob.size > Limits.attachmentBytes) return "too_large";
      bytes = await made.blob.arrayBuffer();
    } catch (error) {
      console.warn(error); // gone meanwhile, or in a cloud that can't be reached
      return "unreadable";
    }
    const kept: StoredFile = {
      id: uuid7(),
      place,
      name: made.name === file.name ? name : plainName(made.name),
      type: made.blob.type,
      bytes,
      sha256: await hex(bytes),
      order: this.#order++,
      ...(held ? { held } : {}),
    };
    await this.#database.put("files", kept.id, kept);
    this.files = [...this.files, unstored(kept)];
    this.#uploadAll();
    return null;
  }

  #uploadAll(): void {
    if (!this.#online) return;
    for (const file of this.files) {
      const { done, error } = this.progressOf(file.id);
      if (!file.held && !done && error === null) this.#enqueue(file.id).catch((problem: unknown) => expected(problem)); // shown with the file, and tried again
    }
  }

  /** One after the other: a phone's way up is narrow. */
  #enqueue(id: string): Promise<void> {
    const work = this.#queue.then(() => this.#upload(id));
    this.#queue = work.catch((error: unknown) => expected(error));
    return work;
  }

  async #upload(id: string): Promise<void> {
    const file = this.files.find((other) => other.id === id);
    if (!file) return;
    try {
      for (let tries = 0; ; tries++) {
        try {
          await this.#send(file);
          this.#show(id, { sent: file.blob.size, done: true, error: null });
          return;
        } catch (error) {
          // The machine lost some of it, or got it wrong: it tells where to go on.
          if (!(error instanceof RequestError) || error.code !== "CONFLICT" || error.details.offset === undefined || tries >= RESTARTS)
            throw error;
        }
      }
    } catch (error) {
      const failure = error instanceof RequestError ? error : new RequestError("INVALID_REQUEST", String(error));
      this.#show(id, { ...this.progressOf(id), done: false, error: failure.transient ? null : failure.message });
      throw failure;
    }
  }

  async #send(file: StagedFile): Promise<void> {
    const { id, blob } = file;
    const begun = await this.#client.request("attachment_begin", {
      attachmentId: id,
      name: file.name,
      bytes: blob.size,
      sha256: file.sha256,
    });
    if (begun.attachment) return;
    let size = FIRST_PIECE;
    for (let offset = begun.offset; offset < blob.size;) {
      if (!this.files.some((other) => other.id === id)) throw new RequestError("FILE_NOT_FOUND", "");
      const piece = new Uint8Array(await blob.slice(offset, offset + size).arrayBuffer());
      const since = performance.now();
      offset = (await this.#client.request("attachment_chunk", { attachmentId: id, offset, data: toBase64(piece) })).offset;
      if (performance.now() - since < QUICK_MS) size = Math.min(size * 2, Limits.attachmentChunkBytes);
      this.#show(id, { sent: offset, done: false, error: null });
    }
    await this.#client.request("attachment_end", { attachmentId: id });
  }

  #show(id: string, progress: Progress): void {
    if (this.files.some((file) => file.id === id)) this.progress = new Map(this.progress).set(id, progress);
  }
}

function unstored({ type, bytes, ...file }: StoredFile): StagedFile {
  return { ...file, blob: new Blob([bytes], { type }) };
}

async function stored({ blob, ...file }: StagedFile): Promise<StoredFile> {
  return { ...file, type: blob.type, bytes: await blob.arrayBuffer() };
}

/** A name as the machine takes it: one component, nothing invisible. */
export function plainName(name: string): string {
  const plain = name.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}/\\]/gu, "_");
  return plain === "" || plain === "." || plain === ".." ? "file" : [...plain].slice(-Limits.attachmentNameLength / 2).join("");
}

async function hex(bytes: ArrayBuffer): Promise<string> {
  return [...new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))].map((b) => b.toString(16).padStart(2, "0")).join("");
}

/** A request that failed is told where the file is shown; anything else is a bug worth a trace. */
function expected(error: unknown): void {
  if (!(error instanceof RequestError)) console.error(error);
}
