import { RequestError } from "../client/errors";
import type { GitCommitResponse, GitDiffScope, GitFileDiff, GitSelection, GitStatusResponse, Requests } from "../protocol/generated";
import type { Workspace } from "../stores/workspace.svelte";
import { NotDone, type Consent } from "./consent.svelte";
import { tell } from "./tell";

/** A project's repository as git told last, and what a person does with it. */
export class Repository {
  readonly #workspace: Workspace;
  readonly #consent: Consent;
  readonly projectId: string;
  #asked = 0;

  status = $state.raw<GitStatusResponse | null>(null);
  /** The folder is no repository. */
  none = $state(false);
  problem = $state("");
  busy = $state(false);
  /** What was thrown away last, to bring it back. */
  discarded = $state.raw<{ readonly discardId: string; readonly files: number } | null>(null);
  committed = $state.raw<GitCommitResponse | null>(null);

  constructor(workspace: Workspace, consent: Consent, projectId: string) {
    this.#workspace = workspace;
    this.#consent = consent;
    this.projectId = projectId;
  }

  async read(): Promise<void> {
    const asked = ++this.#asked;
    try {
      const status = await this.#workspace.client.request("git_status", { projectId: this.projectId }, GIT_LIMIT_MS);
      if (asked !== this.#asked) return;
      this.status = status;
      this.none = false;
    } catch (error) {
      if (asked !== this.#asked) return;
      if (error instanceof RequestError && error.code === "GIT_NOT_INITIALIZED") this.none = true;
      else this.problem = tell(error);
    }
  }

  /** Does something and reads the status again. The answer; null: it failed, and `problem` says why. */
  async run<T>(work: () => Promise<T>): Promise<T | null> {
    if (this.busy) return null;
    this.busy = true;
    this.problem = "";
    try {
      return await work();
    } catch (error) {
      this.problem = error instanceof NotDone ? error.message : tell(error);
      return null;
    } finally {
      this.busy = false;
      await this.read();
    }
  }

  /** Asks the machine; what must be allowed first is shown and waited for. */
  ask<T extends keyof Requests>(type: T, payload: Omit<Requests[T]["request"], "projectId">): Promise<Requests[T]["response"] | null> {
    return this.#consent.ask(type, { projectId: this.projectId, ...payload } as Requests[T]["request"], GIT_LIMIT_MS);
  }

  stage(paths: readonly string[]): Promise<unknown> {
    return this.run(() => this.ask("git_stage", { paths: [...paths] }));
  }

  unstage(paths: readonly string[]): Promise<unknown> {
    return this.run(() => this.ask("git_unstage", { paths: [...paths] }));
  }

  async discard(what: { paths?: string[]; selections?: GitSelection[] }): Promise<void> {
    const answer = await this.run(() => this.ask("git_discard", what));
    if (answer) this.discarded = answer;
  }

  async undoDiscard(): Promise<void> {
    const discarded = this.discarded;
    if (!discarded) return;
    const answer = await this.run(() => this.ask("git_discard_undo", { discardId: discarded.discardId }));
    if (answer) this.discarded = null;
  }

  async commit(message: string, amend: boolean): Promise<boolean> {
    const answer = await this.run(() => this.ask("git_commit", { message, amend }));
    if (answer) this.committed = answer;
    return answer !== null;
  }

  /** Pushes, fetches, pulls or deletes on a remote: shows what exactly is to be allowed, and waits for its outcome. True: it was done. */
  async transfer<T extends "git_push" | "git_fetch" | "git_pull" | "git_remote_delete">(
    type: T,
    payload: Omit<Requests[T]["request"], "projectId">,
  ): Promise<boolean> {
    const done = await this.run(async () => {
      const answer = await this.ask(type, payload);
      if (answer) await this.#consent.settle(answer.approval);
      return true;
    });
    return done === true;
  }

  /** What changed in one file, to look at and to choose from. */
  async diff(scope: GitDiffScope, path: string): Promise<GitFileDiff | null> {
    const answer = await this.#workspace.client.request("git_diff", { projectId: this.projectId, scope, paths: [path] }, GIT_LIMIT_MS);
    return answer.files.find((file) => file.path === path) ?? answer.files[0] ?? null;
  }
}

/** git works in a sandbox that may have to be started first. */
export const GIT_LIMIT_MS = 60_000;
