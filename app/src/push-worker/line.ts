import { RequestError } from "$lib/client/errors";
import { Link, PROTOCOL_VERSION, request } from "$lib/link/link";
import type { ErrorCode, HelloResponse, Requests } from "$lib/protocol/generated";
import type { WorkerDoor } from "./door";

interface Waiting {
  resolve(hello: HelloResponse): void;
  reject(error: RequestError): void;
}

interface Pending {
  readonly type: string;
  resolve(payload: unknown): void;
  reject(error: RequestError): void;
}

/**
 * A connection for one errand: opened, asked a few things, closed. It comes back by itself within its time, which is short: a browser ends a worker that has no page.
 * Rejects with RequestError only.
 */
export class Line {
  readonly #link: Link;
  readonly #pending = new Map<string, Pending>();
  readonly #timer: ReturnType<typeof setTimeout>;
  #waiting: Waiting[] = [];
  #hello: HelloResponse | null = null;
  #over: RequestError | null = null;
  #next = 0;

  /** `limitMs`: for all of the errand. */
  constructor(door: WorkerDoor, app: string, limitMs: number) {
    this.#link = new Link({
      openSocket: () => door.openSocket(door.paired.machineId),
      createTransport: () => door.connect(door.paired.machineId),
      hello: async () => ({ protocol: PROTOCOL_VERSION, app, signingKey: await door.signingKey() }),
    });
    this.#link.onHello = (hello) => (this.#hello = hello);
    this.#link.onState = (state) => {
      if (state.kind === "online") for (const one of this.#waiting.splice(0)) one.resolve(this.#hello as HelloResponse);
      else if (state.kind === "revoked") this.#end(new RequestError("UNAUTHORIZED", "This device was revoked."));
      else if (state.kind === "version") this.#end(new RequestError("VERSION_UNSUPPORTED", state.message));
      else if (state.kind === "refused" && state.refusal.code.startsWith("account:"))
        this.#end(new RequestError("OFFLINE", "The gateway asks to sign in.")); // which takes a page, and nothing was sent
      else if (state.kind !== "stale") this.#dropped();
    };
    this.#link.onMessage = (envelope) => {
      const pending = envelope.requestId === null ? undefined : this.#pending.get(envelope.requestId);
      if (!pending || envelope.requestId === null) return; // streams are not followed
      this.#pending.delete(envelope.requestId);
      if (envelope.type === `${pending.type}_response`) pending.resolve(envelope.payload);
      else pending.reject(new RequestError(envelope.error?.code ?? "UNKNOWN_ERROR", envelope.error?.message ?? ""));
    };
    this.#timer = setTimeout(() => this.#end(new RequestError("TIMEOUT", "The machine did not answer in time.")), limitMs);
    this.#link.start();
  }

  /** The errand's time is over, or it never will be answered. */
  get over(): boolean {
    return this.#over !== null;
  }

  /** What the machine said when the connection stood, now or when it does. */
  ready(): Promise<HelloResponse> {
    if (this.#over) return Promise.reject(this.#over);
    if (this.#link.ready && this.#hello) return Promise.resolve(this.#hello);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  request<T extends keyof Requests>(type: T, payload: Requests[T]["request"]): Promise<Requests[T]["response"]> {
    return new Promise((resolve, reject) => {
      if (this.#over) {
        reject(this.#over);
        return;
      }
      const id = `p${++this.#next}`;
      this.#pending.set(id, { type, resolve: (answer) => resolve(answer as Requests[T]["response"]), reject });
      if (this.#link.send(request(type, id, payload))) return;
      this.#pending.delete(id);
      reject(new RequestError("OFFLINE", "There is no connection to the machine."));
    });
  }

  close(): void {
    this.#end(new RequestError("OFFLINE", "The connection was closed."));
  }

  #dropped(): void {
    this.#hello = null;
    const lost = [...this.#pending.values()];
    this.#pending.clear();
    for (const one of lost) one.reject(new RequestError("OFFLINE", "The connection ended before the answer."));
  }

  #end(error: RequestError): void {
    if (this.#over) return;
    this.#over = error;
    clearTimeout(this.#timer);
    this.#link.onState = () => undefined;
    this.#link.stop();
    for (const one of this.#waiting.splice(0)) one.reject(error);
    const lost = [...this.#pending.values()];
    this.#pending.clear();
    for (const one of lost) one.reject(error);
  }
}

/** Codes of errors as people may report them; none is a sentence of the machine's, which may name what is asked for. */
export type Refusal = ErrorCode | "OFFLINE" | "TIMEOUT";
