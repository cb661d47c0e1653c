import type {
  AgentContinueRequest,
  AgentMessageRequest,
  DecisionRequest,
  AgentSessionForkRequest,
  AgentSessionNewRequest,
  AgentSteerRequest,
  LettersWithdrawRequest,
  Requests,
} from "../protocol/generated";
import { RequestError } from "../client/errors";
import type { MachineStorage } from "../storage/database";

/** What is kept until the machine has recorded it. The id is client-made (UUIDv7): sending it again makes nothing twice. */
export type OutboxItem = {
  readonly id: string;
  readonly machineId: string;
  /** Milliseconds; also the order within a lane. */
  readonly createdAt: number;
  /** `saved`: on this device only. `sent`: handed to the machine, not yet recorded. `refused`: the machine said no; a person decides what becomes of it. */
  state: "saved" | "sent" | "refused";
  error?: { readonly code: string; readonly message: string };
  /** It was left at the gateway, for the machine to find when it is back; until then, in milliseconds. */
  readonly leftUntil?: number;
} & (
  | { readonly type: "agent_message"; readonly payload: AgentMessageRequest }
  | { readonly type: "agent_session_new"; readonly payload: AgentSessionNewRequest }
  | { readonly type: "agent_session_fork"; readonly payload: AgentSessionForkRequest }
  | { readonly type: "agent_steer"; readonly payload: AgentSteerRequest }
  | { readonly type: "agent_continue"; readonly payload: AgentContinueRequest }
  | { readonly type: "agent_prompt_response"; readonly payload: DecisionRequest }
  /** Nothing that a person wrote: whoever kept a letter that was taken back delivers it in vain. */
  | { readonly type: "letters_withdraw"; readonly payload: LettersWithdrawRequest }
);

export type OutboxType = OutboxItem["type"];
export type NewItem = {
  [T in OutboxType]: { readonly type: T; readonly payload: Extract<OutboxItem, { type: T }>["payload"] };
}[OutboxType];

export interface OutboxOptions {
  readonly database: MachineStorage;
  readonly machineId: string;
  request<T extends OutboxType>(type: T, payload: Requests[T]["request"]): Promise<Requests[T]["response"]>;
  /** The machine has it. Called once an item, before it is forgotten. */
  recorded(item: OutboxItem, response: Requests[OutboxType]["response"]): void;
  /** The machine said no, for good. */
  refused(item: OutboxItem, error: RequestError): void;
  changed(items: readonly OutboxItem[]): void;
}

/** After an error that may pass while the connection stands. */
const RETRY_MS = 5_000;

/**
 * Prompts and decisions on their way. `add` resolves when the item is stored on this device; from then on it is sent, again after every
 * reconnect, until the machine answers. Items of one session keep their order; a decision waits for nothing.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  #items: OutboxItem[] = [];
  readonly #busyLanes = new Set<string>();
  readonly #retries = new Set<ReturnType<typeof setTimeout>>();
  #online = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  get items(): readonly OutboxItem[] {
    return this.#items;
  }

  /** Reads what an earlier run left behind. */
  async load(): Promise<void> {
    const stored = await this.#options.database.all<OutboxItem>("outbox");
    const known = new Set(this.#items.map((item) => item.id));
    const mine = stored.filter((item) => item.machineId === this.#options.machineId && !known.has(item.id));
    this.#items = [...mine, ...this.#items].sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
    this.#changed();
    this.#pump();
  }

  async add(id: string, item: NewItem): Promise<void> {
    const whole = { ...item, id, machineId: this.#options.machineId, createdAt: Date.now(), state: "saved" } as OutboxItem;
    await this.#options.database.put("outbox", id, whole);
    this.#items = [...this.#items, whole];
    this.#changed();
    this.#pump();
  }

  /** Takes a refused or not yet sent item away. False when it is on its way or gone. */
  async discard(id: string): Promise<boolean> {
    const item = this.#items.find((other) => other.id === id);
    if (!item || item.state === "sent") return false;
    this.#items = this.#items.filter((other) => other !== item);
    this.#changed();
    await this.#options.database.delete("outbox", id);
    this.#pump();
    return true;
  }

  /** It was left at the gateway, too. Nothing if it is gone meanwhile. */
  async left(id: string, until: number): Promise<void> {
    const item = this.#current(id);
    if (item) await this.#update(item, { state: item.state, leftUntil: until });
  }

  /** Sends a refused item again, as it is. */
  async retry(id: string): Promise<void> {
    const item = this.#items.find((other) => other.id === id);
    if (item?.state !== "refused") return;
    await this.#update(item, { state: "saved" });
    this.#pump();
  }

  connected(): void {
    this.#online = true;
    this.#pump();
  }

  disconnected(): void {
    this.#online = false;
    for (const timer of this.#retries) clearTimeout(timer);
    this.#retries.clear();
  }

  #pump(): void {
    if (!this.#online) return;
    const blocked = new Set(this.#busyLanes);
    for (const item of this.#items) {
      const lanes = lanesOf(item);
      const waits = lanes.some((lane) => blocked.has(lane));
      for (const lane of lanes) blocked.add(lane);
      // A refused item holds up what was written after it in the same session: order is part of what was meant.
      if (!waits && item.state !== "refused") void this.#send(item, lanes);
    }
  }

  async #send(item: OutboxItem, lanes: readonly string[]): Promise<void> {
    for (const lane of lanes) this.#busyLanes.add(lane);
    try {
      // Noted before it goes out: after a crash the app must not call something unsent that may have arrived.
      if (item.state !== "sent") await this.#update(item, { state: "sent" });
      const response = await this.#options.request(item.type, item.payload);
      const now = this.#current(item.id) ?? item;
      this.#options.recorded(now, response);
      this.#items = this.#items.filter((other) => other.id !== item.id);
      this.#changed();
      await this.#options.database.delete("outbox", item.id);
    } catch (error) {
      const failure = error instanceof RequestError ? error : new RequestError("UNKNOWN_ERROR", String(error));
      await this.#failed(item.id, failure);
    } finally {
      for (const lane of lanes) this.#busyLanes.delete(lane);
    }
    // After a transient failure the timer or the next connection goes on, not this loop.
    if (this.#current(item.id)?.state !== "sent") this.#pump();
  }

  async #failed(id: string, error: RequestError): Promise<void> {
    const item = this.#current(id);
    if (!item) return;
    if (error.transient) {
      if (!this.#online || error.code === "OFFLINE") return;
      const timer = setTimeout(() => {
        this.#retries.delete(timer);
        this.#pump();
      }, RETRY_MS);
      this.#retries.add(timer);
      return;
    }
    this.#options.refused(item, error);
    if (item.type === "agent_prompt_response" || item.type === "letters_withdraw") {
      // Settled: somebody decided, or this decision can never count. The approval's own state tells the rest.
      this.#items = this.#items.filter((other) => other.id !== id);
      this.#changed();
      await this.#options.database.delete("outbox", id);
      return;
    }
    await this.#update(item, { state: "refused", error: { code: error.code, message: error.message } });
  }

  async #update(item: OutboxItem, change: Pick<OutboxItem, "state"> & Partial<Pick<OutboxItem, "error" | "leftUntil">>): Promise<void> {
    const next = { ...item, ...change };
    this.#replace(item, next);
    await this.#options.database.put("outbox", item.id, next);
  }

  #replace(item: OutboxItem, next: OutboxItem): void {
    this.#items = this.#items.map((other) => (other.id === item.id ? next : other));
    this.#changed();
  }

  #current(id: string): OutboxItem | undefined {
    return this.#items.find((item) => item.id === id);
  }

  #changed(): void {
    this.#options.changed(this.#items);
  }
}

/** What must not overtake each other. A copy of a session waits for what was written to that one before, and what follows in either waits for the copy; one that is refused holds up only its own. */
function lanesOf(item: OutboxItem): readonly string[] {
  if (item.type === "agent_prompt_response") return [`approval/${item.payload.approvalId}`];
  if (item.type === "letters_withdraw") return ["letters"];
  if (item.type === "agent_session_fork" && item.state !== "refused")
    return [`session/${item.payload.newSessionId}`, `session/${item.payload.agentSessionId}`];
  return [`session/${sessionOf(item)}`];
}

/** The session in which an item is shown; null for what is shown in none. */
export function sessionOf(item: OutboxItem): string | null {
  return item.type === "agent_prompt_response" || item.type === "letters_withdraw"
    ? null
    : item.type === "agent_session_fork"
      ? item.payload.newSessionId
      : item.payload.agentSessionId;
}

/** What a person wrote or decided that has not left this device yet. What was left at the gateway does not wait to be sent: the machine finds it there. */
export const waiting = (items: readonly OutboxItem[], now = Date.now()): number =>
  items.filter((item) => item.state !== "refused" && item.type !== "letters_withdraw" && (item.leftUntil ?? 0) <= now).length;

/** The words that an item carries; empty for those that carry none. */
export function wordsOf(item: OutboxItem): string {
  return "content" in item.payload ? item.payload.content : "";
}
