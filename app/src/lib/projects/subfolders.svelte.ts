import type { FsEntry, Requests } from "../protocol/generated";
import { join } from "./paths";
import { tell } from "./tell";

/** The part of the client that is needed here. */
interface Asking {
  request(type: "fs_list", payload: Requests["fs_list"]["request"]): Promise<Requests["fs_list"]["response"]>;
}

/** Folders of one level that are shown; a project with more in one place is named in the CLI. */
export const MOST_SHOWN = 500;

const PAGE = 500;
const MOST_PAGES = 4;

/** Whether a session can work in it: no link, not hidden, its name shown as what it is. The machine decides; this only leaves out what it refuses. */
export function canWorkIn(entry: FsEntry): boolean {
  return entry.kind === "dir" && !entry.name.startsWith(".") && !entry.name.includes("\\");
}

/** A walk through a project's folders, one level at a time. A refused step leaves the last level shown; only the latest answer counts. */
export class Subfolders {
  path = $state("");
  /** Null: not read yet. */
  names = $state.raw<readonly string[] | null>(null);
  more = $state(false);
  busy = $state(false);
  problem = $state("");
  readonly #client: Asking;
  readonly #projectId: string;
  #asked = 0;

  constructor(client: Asking, projectId: string) {
    this.#client = client;
    this.#projectId = projectId;
  }

  /** At a folder that was chosen before; at the root, if that is gone by now. */
  async begin(folder: string): Promise<void> {
    await this.go(folder);
    if (this.names === null && folder !== "") await this.go("");
  }

  enter(name: string): Promise<void> {
    return this.go(join(this.path, name));
  }

  async go(path: string): Promise<void> {
    const mine = ++this.#asked;
    this.busy = true;
    this.problem = "";
    try {
      const names: string[] = [];
      let cursor: string | null = null;
      let more = true;
      for (let page = 0; more && page < MOST_PAGES; page++) {
        const payload: Requests["fs_list"]["request"] = { projectId: this.#projectId, path, limit: PAGE };
        const answer: Requests["fs_list"]["response"] = await this.#client.request(
          "fs_list",
          cursor === null ? payload : { ...payload, cursor },
        );
        if (mine !== this.#asked) return;
        names.push(...answer.children.filter(canWorkIn).map((entry) => entry.name));
        cursor = answer.cursor;
        more = answer.truncated && cursor !== null;
      }
      this.path = path;
      this.names = names.slice(0, MOST_SHOWN);
      this.more = more || names.length > MOST_SHOWN;
    } catch (error) {
      if (mine === this.#asked) this.problem = tell(error);
    } finally {
      if (mine === this.#asked) this.busy = false;
    }
  }
}
