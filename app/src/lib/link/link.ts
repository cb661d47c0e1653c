import type { Envelope, HelloRequest, HelloResponse, PingResponse } from "../protocol/generated";
import { backoff } from "./backoff";
import { FrameKind, type Refusal, type SecureTransport, type Socket, type TurnedAway } from "./transport";

/** What is known about the way to the machine. Times in milliseconds of this device's clock. */
export type LinkState =
  | { readonly kind: "stopped" }
  | { readonly kind: "connecting"; readonly since: number; readonly attempt: number }
  | { readonly kind: "online"; readonly since: number }
  /** The socket stands but the machine has not answered for 6 s. */
  | { readonly kind: "stale"; readonly since: number }
  | { readonly kind: "offline"; readonly since: number; readonly retryAt: number }
  | { readonly kind: "refused"; readonly since: number; readonly retryAt: number; readonly refusal: Refusal }
  | { readonly kind: "revoked"; readonly since: number }
  | { readonly kind: "version"; readonly since: number; readonly message: string };

export interface LinkOptions {
  /** A promise of what opens it, where something has to be asked for first; it has limits of its own, and may end with a TurnedAway. */
  openSocket(): Socket | Promise<() => Socket>;
  createTransport(): SecureTransport;
  hello(): HelloRequest | Promise<HelloRequest>;
  random?: () => number;
}

export const PROTOCOL_VERSION = 1;
const HANDSHAKE_LIMIT_MS = 10_000;
const PING_EVERY_MS = 15_000;
const STALE_AFTER_MS = 6_000;
const DEAD_AFTER_MS = 14_000;
/** Wait after a refusal: asking more often changes nothing and looks like an attack. */
const REFUSED_WAIT_MS = 30_000;

/**
 * Keeps one encrypted connection to the machine: connects, shakes hands, says hello, listens for silence, comes back by itself.
 * The only place that touches the socket. Messages go out in the order of `send` calls and come in in the order they were sent.
 */
export class Link {
  readonly #options: LinkOptions;
  readonly #encoder = new TextEncoder();
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });
  #state: LinkState = { kind: "stopped" };
  #connection: Connection | null = null;
  #attempt = 0;
  /** Which attempt it is: what comes for an earlier one is not wanted any more. */
  #turn = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #downSince: number | null = null;

  /** Set by the owner before `start`. */
  onState: (state: LinkState) => void = () => undefined;
  onHello: (hello: HelloResponse) => void = () => undefined;
  onMessage: (envelope: Envelope) => void = () => undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  get state(): LinkState {
    return this.#state;
  }

  /** True when messages can be sent: hello was answered and the socket stands. */
  get ready(): boolean {
    return this.#connection?.ready ?? false;
  }

  start(): void {
    if (this.#state.kind !== "stopped") return;
    this.#connect();
  }

  stop(): void {
    clearTimeout(this.#retry);
    this.#drop();
    this.#downSince = null;
    this.#set({ kind: "stopped" });
  }

  /** The page came back, or the network did: look now instead of at the next timer. */
  wake(): void {
    switch (this.#state.kind) {
      case "online":
      case "stale":
        this.#connection?.ping();
        break;
      case "offline":
      case "refused":
      case "version":
        this.#attempt = 0;
        this.#connect();
        break;
      default:
        break;
    }
  }

  /** False when there is no ready connection; the message was not sent then. */
  send(envelope: Envelope): boolean {
    const connection = this.#connection;
    if (!connection?.ready) return false;
    connection.send(this.#encoder.encode(JSON.stringify(envelope)));
    return true;
  }

  #connect(): void {
    clearTimeout(this.#retry);
    this.#drop();
    this.#set({ kind: "connecting", since: this.#downSince ?? Date.now(), attempt: this.#attempt });
    try {
      const opening = this.#options.openSocket();
      if (opening instanceof Promise) void this.#later(opening, this.#turn);
      else this.#begin(opening);
    } catch {
      // The browser refuses the address outright (e.g. no network stack); same as not reaching it.
      this.#lost(null);
    }
  }

  async #later(opening: Promise<() => Socket>, turn: number): Promise<void> {
    try {
      const open = await opening;
      if (turn === this.#turn) this.#begin(open());
    } catch (error) {
      if (turn === this.#turn) this.#lost((error as Partial<TurnedAway>).refusal ?? null);
    }
  }

  #begin(socket: Socket): void {
    const connection: Connection = new Connection(socket, this.#options.createTransport(), {
      hello: async () => this.#encoder.encode(JSON.stringify(request("hello", HELLO_ID, await this.#options.hello()))),
      ping: (id) => this.#encoder.encode(JSON.stringify(request("ping", id, {}))),
      message: (bytes) => this.#received(connection, bytes),
      alive: () => {
        if (connection === this.#connection && this.#state.kind === "stale") this.#set({ kind: "online", since: Date.now() });
      },
      silent: () => {
        if (connection === this.#connection && this.#state.kind === "online")
          this.#set({ kind: "stale", since: Date.now() - STALE_AFTER_MS });
      },
      closed: (refusal) => {
        if (connection === this.#connection) this.#lost(refusal);
      },
    });
    this.#connection = connection;
  }

  #received(connection: Connection, bytes: Uint8Array): void {
    if (connection !== this.#connection) return;
    const envelope = parseEnvelope(this.#decoder, bytes);
    if (!envelope) {
      connection.close();
      this.#lost({ code: "INVALID_REQUEST", message: "The machine sent a message that is not of this protocol.", proved: true });
      return;
    }
    if (envelope.requestId === HELLO_ID) {
      this.#helloAnswered(connection, envelope);
      return;
    }
    if (envelope.requestId?.startsWith(PING_ID)) {
      const pong = envelope.payload as PingResponse | null;
      connection.pong(typeof pong?.now === "string");
      return;
    }
    if (envelope.type === "error" && envelope.requestId === null && envelope.error) {
      const { code, message } = envelope.error;
      connection.close();
      this.#lost({ code, message, proved: true });
      return;
    }
    if (connection.ready) this.onMessage(envelope);
  }

  #helloAnswered(connection: Connection, envelope: Envelope): void {
    if (envelope.type !== "hello_response" || envelope.payload === null) {
      const refusal: Refusal = {
        code: envelope.error?.code ?? "UNKNOWN_ERROR",
        message: envelope.error?.message ?? "The machine did not accept this device.",
        proved: true,
      };
      connection.close();
      this.#lost(refusal);
      return;
    }
    const hello = envelope.payload as HelloResponse;
    if (hello.protocol !== PROTOCOL_VERSION) {
      connection.close();
      this.#lost({
        code: "VERSION_UNSUPPORTED",
        message: `The machine speaks protocol ${hello.protocol}, this app ${PROTOCOL_VERSION}.`,
        proved: true,
      });
      return;
    }
    this.#attempt = 0;
    this.#downSince = null;
    connection.markReady();
    this.onHello(hello);
    if (connection !== this.#connection) return; // the owner stopped the link
    this.#set({ kind: "online", since: Date.now() });
  }

  #lost(refusal: Refusal | null): void {
    this.#drop();
    const now = Date.now();
    this.#downSince ??= now;
    const since = this.#downSince;
    if (refusal?.proved && refusal.code === "UNAUTHORIZED") {
      this.#set({ kind: "revoked", since });
      return;
    }
    if (refusal?.code === "VERSION_UNSUPPORTED") {
      this.#set({ kind: "version", since, message: refusal.message });
      return;
    }
    const wait = refusal ? REFUSED_WAIT_MS : backoff(this.#attempt, this.#options.random);
    this.#attempt++;
    this.#retry = setTimeout(() => this.#connect(), wait);
    this.#set(refusal ? { kind: "refused", since, retryAt: now + wait, refusal } : { kind: "offline", since, retryAt: now + wait });
  }

  #drop(): void {
    this.#turn++;
    const connection = this.#connection;
    this.#connection = null;
    connection?.close();
  }

  #set(state: LinkState): void {
    this.#state = state;
    this.onState(state);
  }
}

const OPEN = 1;
const HELLO_ID = "link-hello";
const PING_ID = "link-ping-";

interface ConnectionEvents {
  hello(): Promise<Uint8Array>;
  ping(id: string): Uint8Array;
  message(bytes: Uint8Array): void;
  alive(): void;
  silent(): void;
  closed(refusal: Refusal | null): void;
}

/** One socket from opening to closing. After `close` or `closed` it does nothing more. */
class Connection {
  readonly #socket: Socket;
  readonly #transport: SecureTransport;
  readonly #events: ConnectionEvents;
  #phase: "opening" | "handshake" | "hello" | "ready" | "closed" = "opening";
  #incoming: Promise<void> = Promise.resolve();
  #outgoing: Promise<void> = Promise.resolve();
  #limit: ReturnType<typeof setTimeout> | undefined;
  #pingTimer: ReturnType<typeof setTimeout> | undefined;
  #silentTimer: ReturnType<typeof setTimeout> | undefined;
  #deadTimer: ReturnType<typeof setTimeout> | undefined;
  #pings = 0;

  constructor(socket: Socket, transport: SecureTransport, events: ConnectionEvents) {
    this.#socket = socket;
    this.#transport = transport;
    this.#events = events;
    socket.binaryType = "arraybuffer";
    socket.onopen = () =>
      this.#enqueue(async () => {
        this.#phase = "handshake";
        this.#write(await transport.begin());
      });
    socket.onmessage = (event) => {
      const data = event.data;
      if (!(data instanceof ArrayBuffer)) {
        this.#end(null);
        return;
      }
      // Deciphering is asynchronous; the chain keeps messages in order.
      this.#enqueue(() => this.#frame(new Uint8Array(data)));
    };
    socket.onclose = () => {
      // What arrived before the close (a reason, say) is read first.
      this.#enqueue(async () => this.#end(null));
    };
    this.#limit = setTimeout(() => this.#end(null), HANDSHAKE_LIMIT_MS);
  }

  get ready(): boolean {
    return this.#phase === "ready";
  }

  markReady(): void {
    if (this.#phase === "closed") return;
    this.#phase = "ready";
    clearTimeout(this.#limit);
    this.#schedulePing();
  }

  send(message: Uint8Array): void {
    this.#outgoing = this.#outgoing
      .then(async () => {
        if (this.#phase === "closed") return;
        for (const frame of await this.#transport.seal(message)) this.#write(frame);
      })
      .catch(() => this.#end(null)); // a channel that cannot seal is dead: drop it and come back with a new one
  }

  ping(): void {
    if (this.#phase !== "ready" || this.#silentTimer !== undefined) return;
    clearTimeout(this.#pingTimer);
    this.send(this.#events.ping(`${PING_ID}${++this.#pings}`));
    this.#silentTimer = setTimeout(() => this.#events.silent(), STALE_AFTER_MS);
    this.#deadTimer = setTimeout(() => this.#end(null), DEAD_AFTER_MS);
  }

  pong(valid: boolean): void {
    if (!valid) this.#end(null);
  }

  close(): void {
    if (this.#phase === "closed") return;
    this.#phase = "closed";
    this.#clear();
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = this.#socket.onerror = null;
    this.#socket.close(1000);
  }

  async #frame(frame: Uint8Array): Promise<void> {
    if (this.#phase === "closed") return;
    if (frame[0] === FrameKind.close) {
      this.#end(readRefusal(frame));
      return;
    }
    if (this.#phase === "handshake") {
      await this.#transport.complete(frame);
      this.#phase = "hello";
      this.send(await this.#events.hello());
      return;
    }
    const message = await this.#transport.open(frame);
    this.#heard();
    if (message && !this.#isClosed()) this.#events.message(message);
  }

  // A method, so that the compiler does not think the phase unchanged across an await.
  #isClosed(): boolean {
    return this.#phase === "closed";
  }

  #heard(): void {
    if (this.#silentTimer === undefined) return;
    clearTimeout(this.#silentTimer);
    clearTimeout(this.#deadTimer);
    this.#silentTimer = undefined;
    this.#deadTimer = undefined;
    this.#events.alive();
    this.#schedulePing();
  }

  #schedulePing(): void {
    clearTimeout(this.#pingTimer);
    this.#pingTimer = setTimeout(() => this.ping(), PING_EVERY_MS);
  }

  #write(frame: Uint8Array): void {
    // One that is closing takes nothing any more, and will say that it is closed.
    if (this.#phase !== "closed" && this.#socket.readyState <= OPEN) this.#socket.send(frame as Uint8Array<ArrayBuffer>);
  }

  #enqueue(work: () => Promise<void>): void {
    this.#incoming = this.#incoming.then(work).catch(() => this.#end(null)); // forged or broken frames end the connection; nothing of them was used
  }

  #end(refusal: Refusal | null): void {
    if (this.#phase === "closed") return;
    this.close();
    this.#events.closed(refusal);
  }

  #clear(): void {
    clearTimeout(this.#limit);
    clearTimeout(this.#pingTimer);
    clearTimeout(this.#silentTimer);
    clearTimeout(this.#deadTimer);
  }
}

export function request(type: string, requestId: string, payload: unknown): Envelope {
  return { v: PROTOCOL_VERSION, type, requestId, stream: null, epoch: null, seq: null, payload, error: null };
}

/** Fields that the machine left out count as null. */
function parseEnvelope(decoder: TextDecoder, bytes: Uint8Array): Envelope | null {
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(bytes));
  } catch {
    return null; // the caller closes the connection and says why
  }
  if (typeof value !== "object" || value === null || !("type" in value) || typeof value.type !== "string") return null;
  const part = value as Partial<Envelope> & { type: string };
  return {
    v: part.v ?? PROTOCOL_VERSION,
    type: part.type,
    requestId: part.requestId ?? null,
    stream: part.stream ?? null,
    epoch: part.epoch ?? null,
    seq: part.seq ?? null,
    payload: part.payload ?? null,
    error: part.error ?? null,
  };
}

/** The reason in a close frame comes unencrypted from whoever stands at the other end: it informs and proves nothing. */
function readRefusal(frame: Uint8Array): Refusal | null {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(frame.subarray(1, 4096)));
    if (typeof value !== "object" || value === null) return null;
    const { code, message } = value as { code?: unknown; message?: unknown };
    if (typeof code !== "string") return null;
    return { code: code.slice(0, 64), message: typeof message === "string" ? message.slice(0, 500) : "", proved: false };
  } catch {
    return null; // an unreadable reason is no reason
  }
}
