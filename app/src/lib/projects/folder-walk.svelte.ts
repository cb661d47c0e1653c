import { RequestError } from "../client/errors";
import { uuid7 } from "../ids/uuid7";
import type { FoldersListResponse, ProjectInfo, Requests } from "../protocol/generated";
import { tell } from "./tell";

/** The part of the client that is needed here. */
interface Asking {
  request<T extends "folders_list" | "project_add" | "project_create">(
    type: T,
    payload: Requests[T]["request"],
  ): Promise<Requests[T]["response"]>;
}

/** A walk through the machine's folders, one at a time. A refused step leaves the last folder shown; only the latest answer counts. */
export class FolderWalk {
  at = $state.raw<FoldersListResponse | null>(null);
  busy = $state(false);
  problem = $state("");
  readonly #client: Asking;
  #roots = 0;
  #asked = 0;
  #creation: { readonly what: string; readonly creationId: string } | null = null;

  constructor(client: Asking) {
    this.#client = client;
  }

  /** The folder above; null: the list of roots; undefined: there is nothing above. */
  get above(): string | null | undefined {
    if (this.at === null || this.at.path === null) return undefined;
    return this.at.parent ?? (this.#roots > 1 ? null : undefined);
  }

  /** At the roots, or in the only one. Once begun it goes on from where it is. */
  async begin(): Promise<void> {
    if (this.at !== null || this.busy) return;
    await this.#doing(async () => {
      const roots = await this.#client.request("folders_list", { path: null });
      this.#roots = roots.folders.length;
      const only = roots.folders.length === 1 ? roots.folders[0] : undefined;
      return only ? await this.#client.request("folders_list", { path: only.path }) : roots;
    });
  }

  go(path: string | null): Promise<void> {
    return this.#doing(() => this.#client.request("folders_list", { path }));
  }

  /** Null: refused, and `problem` says why. */
  async add(path: string): Promise<ProjectInfo | null> {
    return this.#making(async () => (await this.#client.request("project_add", { path, name: null, force: false })).project);
  }

  /** The same again, after an answer that got lost, gives what the first one made. */
  async create(parent: string, name: string, git: boolean): Promise<ProjectInfo | null> {
    const what = JSON.stringify([parent, name, git]);
    if (this.#creation?.what !== what) this.#creation = { what, creationId: uuid7() };
    const { creationId } = this.#creation;
    return this.#making(async () => {
      try {
        const { project } = await this.#client.request("project_create", { parent, name, git, creationId });
        this.#creation = null;
        return project;
      } catch (error) {
        if (!(error instanceof RequestError && error.transient)) this.#creation = null; // settled: the next one is another
        throw error;
      }
    });
  }

  async #doing(list: () => Promise<FoldersListResponse>): Promise<void> {
    const mine = ++this.#asked;
    this.busy = true;
    this.problem = "";
    try {
      const answer = await list();
      if (mine === this.#asked) this.at = answer;
    } catch (error) {
      if (mine === this.#asked) this.problem = tell(error);
    }
    if (mine === this.#asked) this.busy = false;
  }

  async #making(make: () => Promise<ProjectInfo>): Promise<ProjectInfo | null> {
    this.busy = true;
    this.problem = "";
    try {
      return await make();
    } catch (error) {
      this.problem = tell(error);
      return null;
    } finally {
      this.busy = false;
    }
  }
}
