import type { Client } from "../client/client";
import { RequestError } from "../client/errors";
import type { SessionInfo } from "../protocol/generated";

/** Sessions in the first page, which is shown at once, and in each further one. */
export const FIRST_PAGE = 50;
const FURTHER_PAGE = 200;
/** From a page that the machine refused or did not give in time to the next try. */
const PAGE_AGAIN_MS = 5_000;

/** The way through the machine's sessions after the first page. */
interface Walk {
  next: string | null;
  /** Known before, and not listed by a page or told by an event yet: gone, when they are not by the end. */
  readonly unlisted: Set<string>;
  /** Told by an event or an answer since the last page was asked for: newer than what that page says. */
  readonly heard: Set<string>;
  running: boolean;
}

/** What a list of sessions needs of its machine. */
interface Of {
  readonly client: Pick<Client, "request">;
  readonly online: () => boolean;
  /** All were read; the ids of those that there are. */
  readonly complete: (ids: readonly string[]) => void;
}

/** The machine's sessions: the newest at once, the others page by page, and what is told of them meanwhile. */
export class SessionList {
  readonly #of: Of;
  #walk: Walk | null = null;

  all = $state.raw<ReadonlyMap<string, SessionInfo>>(new Map());
  /** All were read, not only the first page of them: one that is not in `all` is not on the machine. */
  complete = $state(false);

  constructor(of: Of) {
    this.#of = of;
  }

  /** As this device kept them; empty: they are not to be shown any more. */
  shown(sessions: readonly SessionInfo[]): void {
    this.all = new Map(sessions.map((session) => [session.agentSessionId, session]));
  }

  /** The sessions that changed last are there at once; what was known before stays until the rest is read. */
  firstPage(page: readonly SessionInfo[], next: string | null): void {
    const listed = new Map(page.map((session) => [session.agentSessionId, session]));
    this.all = next === null ? listed : new Map([...this.all, ...listed]);
    this.complete = false;
    if (next === null) this.#read();
    this.#walk =
      next === null
        ? null
        : { next, unlisted: new Set([...this.all.keys()].filter((id) => !listed.has(id))), heard: new Set(), running: false };
    this.goOn();
  }

  /** Where it was cut off; what changed meanwhile comes by the stream. */
  goOn(): void {
    if (this.#walk) void this.#readRest(this.#walk);
  }

  /** An event told it. */
  heard(session: SessionInfo): void {
    this.#heardOf(session.agentSessionId);
    this.all = new Map(this.all).set(session.agentSessionId, session);
  }

  /** An answer told it, which may come after a newer event. */
  answered(session: SessionInfo): void {
    const known = this.all.get(session.agentSessionId);
    if (known && Date.parse(known.updatedAt) > Date.parse(session.updatedAt)) return;
    this.heard(session);
  }

  /** It is gone from the machine. */
  removed(id: string): void {
    this.#heardOf(id);
    const sessions = new Map(this.all);
    sessions.delete(id);
    this.all = sessions;
  }

  async #readRest(walk: Walk): Promise<void> {
    if (walk.running) return;
    walk.running = true;
    try {
      while (walk.next !== null) {
        walk.heard.clear();
        const page = await this.#of.client.request("agent_sessions_list", { limit: FURTHER_PAGE, after: walk.next, archived: true });
        if (this.#walk !== walk) return; // the machine's state was read again meanwhile
        const sessions = new Map(this.all);
        for (const session of page.sessions) {
          walk.unlisted.delete(session.agentSessionId);
          if (!walk.heard.has(session.agentSessionId)) sessions.set(session.agentSessionId, session);
        }
        walk.next = page.next ?? null;
        if (walk.next === null) for (const gone of walk.unlisted) sessions.delete(gone);
        this.all = sessions;
      }
      this.#walk = null;
      this.#read();
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      // Without a connection the next one goes on with it.
      if (error.code !== "OFFLINE")
        setTimeout(() => {
          if (this.#walk === walk && this.#of.online()) void this.#readRest(walk);
        }, PAGE_AGAIN_MS);
    } finally {
      walk.running = false;
    }
  }

  #read(): void {
    this.complete = true;
    this.#of.complete([...this.all.keys()]);
  }

  #heardOf(id: string): void {
    this.#walk?.heard.add(id);
    this.#walk?.unlisted.delete(id);
  }
}
