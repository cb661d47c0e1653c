import { getContext, setContext } from "svelte";
import type { FsSearchResponse, FsSearchTarget } from "$lib/protocol/generated";
import { Comments } from "$lib/projects/comments.svelte";
import { Consent } from "$lib/projects/consent.svelte";
import type { LineStaging } from "$lib/projects/git-keys";
import { Repository } from "$lib/projects/repository.svelte";
import { Runs } from "$lib/projects/runs.svelte";
import { Uploads } from "$lib/projects/uploads.svelte";
import type { ProjectTab } from "$lib/router/router.svelte";
import type { Workspace } from "$lib/stores/workspace.svelte";

class Search {
  query = $state("");
  target = $state<FsSearchTarget>("content");
  caseSensitive = $state(false);
  regex = $state(false);
  ignored = $state(false);
  found: FsSearchResponse | null = null;
}

/** What the tabs of one project share while its screen is open. */
export class ProjectContext {
  readonly projectId: string;
  readonly consent: Consent;
  readonly repository: Repository;
  readonly uploads: Uploads;
  readonly comments = new Comments();
  readonly runs: Runs;
  /** The last question of the search, and its answer. */
  readonly search = new Search();
  /** Of the change that is open, if lines of it can be staged. */
  staging: LineStaging | null = null;
  readonly #workspace: Workspace;
  readonly #places = new Map<ProjectTab, readonly string[]>();
  /** Counts up whenever files of the project changed, as far as is heard. */
  changes = $state(0);
  /** About the watching itself, from the machine. */
  warning = $state("");

  constructor(workspace: Workspace, projectId: string) {
    this.#workspace = workspace;
    this.projectId = projectId;
    this.consent = new Consent(workspace);
    this.repository = new Repository(workspace, this.consent, projectId);
    this.uploads = new Uploads(workspace, this.consent, projectId, () => this.changes++);
    this.runs = new Runs(workspace, this.consent, projectId);
  }

  /** Where one was in a tab, to go back to. */
  place(tab: ProjectTab): readonly string[] {
    return this.#places.get(tab) ?? [];
  }

  visited(tab: ProjectTab, at: readonly string[]): void {
    this.#places.set(tab, at);
  }

  /** Hears of changed files until the returned function is called. */
  follow(): () => void {
    const { client } = this.#workspace;
    const stream = `files/${this.projectId}`;
    const leave = client.listen(stream, {
      connected: () => {
        // A machine that does not watch says so; then the screens read anew when they are asked to.
        client.request("subscribe", { stream, epoch: null, after: 0 }).then(
          () => this.changes++,
          () => undefined,
        );
      },
      disconnected: () => undefined,
      message: (envelope) => {
        this.changes++;
        const { warning } = (envelope.payload ?? {}) as { warning?: string };
        if (warning !== undefined) this.warning = warning;
      },
    });
    return () => {
      leave();
      client.request("unsubscribe", { stream }).catch(() => undefined); // ends with the connection at the latest
    };
  }
}

const CONTEXT = Symbol("context");

export function provideProject(context: ProjectContext): ProjectContext {
  return setContext(CONTEXT, context);
}

export function useProject(): ProjectContext {
  return getContext<ProjectContext>(CONTEXT);
}
