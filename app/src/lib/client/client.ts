import type { AgentDeltaPayload, AgentEventsPayload, Envelope, Requests } from "../protocol/generated";
import { request } from "../link/link";
import { t } from "../strings";
import { RequestError } from "./errors";

/** What the client needs of the link. */
export interface Wire {
  send(envelope: Envelope): boolean;
}

export interface Follower {
  readonly stream: string;
  /** A durable event, each exactly once and in order. */
  event(payload: unknown, seq: number): void;
  /** Live text. False: something before it is missing, and the client asks again. */
  delta?(delta: AgentDeltaPayload): boolean;
  /** What was received before no longer counts; everything follows from the start. */
  reset(): void;
  /** After each subscribe: the stream's last seq at that moment. */
  caughtUp?(head: number): void;
  failed?(error: RequestError): void;
}

export interface Cursor {
  readonly epoch: string | null;
  readonly seq: number;
}

/** Hears messages of a stream without a cursor, such as a terminal's: whoever listens begins anew after each reconnect. */
export interface Listener {
  message(envelope: Envelope): void;
  /** The link is up; called at once when it is already. */
  connected(): void;
  disconnected(): void;
}

interface Pending {
  readonly type: string;
  resolve(payload: unknown): void;
  reject(error: RequestError): void;
  timer: ReturnType<typeof setTimeout>;
}

interface Followed {
  readonly follower: Follower;
  epoch: string | null;
  seq: number;
  /** The number of the subscribe on its way, or SETTLED. Events that arrive while one is belong to the old subscription. */
  asking: number;
  /** On reset, ask this instead of starting at 1 (the machine stream). */
  readonly restart: (() => Promise<Cursor>) | null;
}

const ANSWER_LIMIT_MS = 15_000;
const SETTLED = -1;
/** A stream that is reset again and again is a bug on the other side: give up and say so. */
const MAX_RESTARTS = 4;

/**
 * Requests with answers, and streams with cursors, over a link that may break at any time. `connected` and `disconnected` are called
 * by the owner as the link changes; `received` with every message.
 */
export class Client {
  readonly #wire: Wire;
  readonly #pending = new Map<string, Pending>();
  readonly #followed = new Map<string, Followed>();
  readonly #listeners = new Map<string, Listener>();
  #next = 0;
  #online = false;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  /** Rejects with a RequestError only. */
  request<T extends keyof Requests>(
    type: T,
    payload: Requests[T]["request"],
    limitMs: number = ANSWER_LIMIT_MS,
  ): Promise<Requests[T]["response"]> {
    return new Promise((resolve, reject) => this.#ask(type, payload, limitMs, reject, resolve));
  }

  /**
   * Follows a stream from a cursor, through reconnects, until the returned function is called. `restart` is asked for a new cursor when
   * the machine says that the old one can't be used.
   */
  follow(follower: Follower, cursor: Cursor = { epoch: null, seq: 0 }, restart: (() => Promise<Cursor>) | null = null): () => void {
    const followed: Followed = { follower, epoch: cursor.epoch, seq: cursor.seq, asking: SETTLED, restart };
    this.#followed.set(follower.stream, followed);
    if (this.#online) this.#subscribe(followed);
    return () => {
      if (this.#followed.get(follower.stream) !== followed) return;
      this.#followed.delete(follower.stream);
      if (this.#online) this.request("unsubscribe", { stream: follower.stream }).catch(() => undefined); // ends with the connection at the latest
    };
  }

  /** Listens to a stream until the returned function is called. One listener a stream. */
  listen(stream: string, listener: Listener): () => void {
    this.#listeners.set(stream, listener);
    if (this.#online)
      queueMicrotask(() => {
        if (this.#listeners.get(stream) === listener) listener.connected();
      });
    return () => {
      if (this.#listeners.get(stream) === listener) this.#listeners.delete(stream);
    };
  }

  connected(): void {
    this.#online = true;
    for (const listener of [...this.#listeners.values()]) listener.connected();
    for (const followed of this.#followed.values()) this.#subscribe(followed);
  }

  disconnected(): void {
    this.#online = false;
    for (const listener of [...this.#listeners.values()]) listener.disconnected();
    for (const id of [...this.#pending.keys()]) this.#settle(id)?.reject(new RequestError("OFFLINE", t.errors.OFFLINE));
  }

  received(envelope: Envelope): void {
    if (envelope.requestId !== null) {
      const pending = this.#settle(envelope.requestId);
      if (!pending) return; // answered after its time limit
      if (envelope.type === `${pending.type}_response`) pending.resolve(envelope.payload);
      else if (envelope.error) pending.reject(new RequestError(envelope.error.code, envelope.error.message, envelope.error.details ?? {}));
      else pending.reject(new RequestError("UNKNOWN_ERROR", t.errors.UNKNOWN_ERROR));
      return;
    }
    const listener = envelope.stream === null ? undefined : this.#listeners.get(envelope.stream);
    if (listener) {
      listener.message(envelope);
      return;
    }
    const followed = envelope.stream === null ? undefined : this.#followed.get(envelope.stream);
    if (!followed || followed.asking !== SETTLED) return;
    if (envelope.type === "agent_events" && envelope.seq !== null) {
      // Several that follow one another: each counts as if it had come alone, also when one of them makes the client ask again.
      const first = envelope.seq;
      (envelope.payload as AgentEventsPayload).events.forEach((payload, at) =>
        this.received({ ...envelope, type: "agent_event", seq: first + at, payload }),
      );
      return;
    }
    if (envelope.type === "agent_delta") {
      if (followed.follower.delta?.(envelope.payload as AgentDeltaPayload) === false) this.#subscribe(followed);
      return;
    }
    if (envelope.seq === null || (envelope.type !== "agent_event" && envelope.type !== "machine_event")) return;
    if (envelope.epoch !== followed.epoch) {
      this.#subscribe(followed);
      return;
    }
    if (envelope.seq <= followed.seq) return;
    if (envelope.seq !== followed.seq + 1) {
      this.#subscribe(followed);
      return;
    }
    followed.seq = envelope.seq;
    followed.follower.event(envelope.payload, envelope.seq);
  }

  /** Asks for the stream from its cursor. Answers of an earlier asking (before a reconnect) are ignored. */
  #subscribe(followed: Followed, tries = 0): void {
    const asking = (followed.asking = ++this.#next);
    const current = (): boolean => this.#followed.get(followed.follower.stream) === followed && followed.asking === asking;
    const failed = (error: RequestError): void => {
      if (!current()) return;
      if (error.code === "TIMEOUT" && this.#online) this.#subscribe(followed, tries);
      else if (error.code !== "OFFLINE") followed.follower.failed?.(error); // the next connection asks again
    };
    const restart = followed.restart;
    if (restart && followed.epoch === null) {
      if (tries >= MAX_RESTARTS) {
        failed(new RequestError("UNKNOWN_ERROR", t.errors.UNKNOWN_ERROR));
        return;
      }
      restart().then(
        (cursor) => {
          if (!current()) return;
          followed.epoch = cursor.epoch;
          followed.seq = cursor.seq;
          this.#subscribe(followed, tries + 1);
        },
        (error: unknown) => failed(error instanceof RequestError ? error : new RequestError("UNKNOWN_ERROR", String(error))),
      );
      return;
    }
    // With a callback instead of a promise: the events right behind the answer must find the new cursor in place.
    this.#ask(
      "subscribe",
      { stream: followed.follower.stream, epoch: followed.epoch, after: followed.seq, batches: true },
      ANSWER_LIMIT_MS,
      failed,
      (answer) => {
        if (!current()) return;
        if (answer.reset || (followed.epoch !== null && answer.epoch !== followed.epoch)) {
          if (restart) {
            followed.epoch = null;
            this.#subscribe(followed, tries);
            return;
          }
          followed.seq = 0;
          followed.follower.reset();
        }
        followed.epoch = answer.epoch;
        followed.asking = SETTLED;
        followed.follower.caughtUp?.(answer.head);
      },
    );
  }

  #ask<T extends keyof Requests>(
    type: T,
    payload: Requests[T]["request"],
    limitMs: number,
    reject: (error: RequestError) => void,
    resolve: (response: Requests[T]["response"]) => void,
  ): void {
    const id = `r${++this.#next}`;
    const timer = setTimeout(() => this.#settle(id)?.reject(new RequestError("TIMEOUT", t.errors.TIMEOUT)), limitMs);
    this.#pending.set(id, { type, resolve: (value) => resolve(value as Requests[T]["response"]), reject, timer });
    if (!this.#wire.send(request(type, id, payload))) this.#settle(id)?.reject(new RequestError("OFFLINE", t.errors.OFFLINE));
  }

  #settle(id: string): Pending | undefined {
    const pending = this.#pending.get(id);
    if (!pending) return undefined;
    this.#pending.delete(id);
    clearTimeout(pending.timer);
    return pending;
  }
}
