import type { FsEntry } from "../protocol/generated";
import type { Client } from "../client/client";
import { tell } from "./tell";

/** One level of a project's files, as it was read last. */
export class Folder {
  readonly #client: Client;
  readonly projectId: string;
  readonly path: string;
  #asked = 0;
  #cursor: string | null = null;

  entries = $state.raw<readonly FsEntry[] | null>(null);
  more = $state(false);
  problem = $state("");

  constructor(client: Client, projectId: string, path: string) {
    this.#client = client;
    this.projectId = projectId;
    this.path = path;
  }

  /** Reads it anew; what is shown stays until the answer is here. */
  async read(): Promise<void> {
    await this.#page(null);
  }

  async readMore(): Promise<void> {
    if (this.more) await this.#page(this.#cursor);
  }

  async #page(cursor: string | null): Promise<void> {
    const asked = ++this.#asked;
    try {
      const { projectId, path } = this;
      const answer = await this.#client.request("fs_list", { projectId, path, limit: PAGE, ...(cursor === null ? {} : { cursor }) });
      if (asked !== this.#asked) return; // a later question is on its way
      this.entries = cursor === null ? answer.children : [...(this.entries ?? []), ...answer.children];
      this.more = answer.truncated;
      this.#cursor = answer.cursor;
      this.problem = "";
    } catch (error) {
      if (asked === this.#asked) this.problem = tell(error);
    }
  }
}

/** Rows that a phone draws at once without a wait that is felt. */
const PAGE = 500;
