import type {
  AgentDeltaPayload,
  AgentEventPayload,
  ApprovalInfo,
  CommandInfo,
  ModelInfo,
  TodoItem,
  TurnInfo,
  UsageInfo,
} from "../protocol/generated";
import type { RequestError } from "../client/errors";
import { sessionOf } from "../outbox/outbox";
import type { Row } from "../transcript/items";
import { Transcript } from "../transcript/transcript";
import { MAX_ENTRY } from "../storage/offline-copy";
import type { Workspace } from "./workspace.svelte";

/** Events kept of one conversation for reading it offline: its end. */
const KEPT_EVENTS = 1000;
const KEEP_AFTER_MS = 3000;
const SEE_AFTER_MS = 500;

/** The end of a conversation as it is kept on the device. */
interface KeptTranscript {
  /** True: there is more before. */
  readonly cut: boolean;
  readonly events: readonly AgentEventPayload[];
}

/** One open session: follows its stream and shows views at most one new picture a frame. */
export class SessionStore {
  readonly agentSessionId: string;
  readonly #workspace: Workspace;
  readonly #transcript = new Transcript();
  readonly #leave: (() => void)[] = [];
  #scheduled = false;
  #closed = false;
  #head = 0;
  #seen = 0;
  #subscribed = false;
  #recent: AgentEventPayload[] = [];
  #keeping: ReturnType<typeof setTimeout> | null = null;
  #seeing: ReturnType<typeof setTimeout> | null = null;

  rows = $state.raw<readonly Row[]>([]);
  queue = $state.raw<readonly TurnInfo[]>([]);
  jobs = $state.raw<readonly ApprovalInfo[]>([]);
  commands = $state.raw<readonly CommandInfo[]>([]);
  models = $state.raw<readonly ModelInfo[]>([]);
  /** What the agent says can be chosen now; null: what it can in general, as the model knows it. */
  efforts = $state.raw<readonly string[] | null>(null);
  todo = $state.raw<readonly TodoItem[]>([]);
  usage = $state.raw<UsageInfo | null>(null);
  lastTurn = $state.raw<TurnInfo | null>(null);
  /** Own turns only: what a fork shows of the session before it is that one's. */
  turns = $state.raw<readonly TurnInfo[]>([]);
  /** False until everything up to the stream's head has come in once. */
  caughtUp = $state(false);
  problem = $state.raw<RequestError | null>(null);
  /** What was read before on this device, until the machine has told it anew. */
  kept = $state.raw<{ readonly rows: readonly Row[]; readonly cut: boolean; readonly at: number } | null>(null);

  readonly info = $derived.by(() => this.#workspace.sessions.get(this.agentSessionId) ?? null);
  /** Prompts of this session on their way to the machine. */
  readonly outgoing = $derived.by(() => this.#workspace.outbox.filter((item) => sessionOf(item) === this.agentSessionId));

  constructor(workspace: Workspace, agentSessionId: string) {
    this.#workspace = workspace;
    this.agentSessionId = agentSessionId;
    this.open();
    void this.#showKept();
  }

  /** Follows the stream; also the way back after it could not be read. */
  open(): void {
    for (const leave of this.#leave.splice(0)) leave();
    this.problem = null;
    this.#leave.push(
      this.#workspace.client.follow({
        stream: `session/${this.agentSessionId}`,
        event: (payload, seq) => {
          this.#transcript.apply(payload as AgentEventPayload, seq);
          this.#seen = seq;
          this.#recent.push(payload as AgentEventPayload);
          if (this.#recent.length > 2 * KEPT_EVENTS) this.#recent = this.#recent.slice(-KEPT_EVENTS);
          this.#keepSoon();
          this.#schedule();
        },
        delta: (delta: AgentDeltaPayload) => {
          const whole = this.#transcript.applyDelta(delta);
          if (whole) this.#schedule();
          return whole;
        },
        reset: () => {
          this.#transcript.clear();
          this.#recent = [];
          this.#seen = 0;
          this.#schedule();
        },
        caughtUp: (head) => {
          this.#head = head;
          this.#subscribed = true;
          this.problem = null;
          this.#schedule();
        },
        failed: (error) => (this.problem = error),
      }),
      this.#workspace.onTurn((agentSessionId, turn) => {
        if (agentSessionId !== this.agentSessionId) return;
        this.#transcript.applyTurn(turn, Date.parse(turn.createdAt));
        this.#schedule();
      }),
    );
  }

  close(): void {
    this.#closed = true;
    this.#saw();
    this.flush();
    for (const leave of this.#leave.splice(0)) leave();
  }

  /** Before the page may go away: what was read is kept now. */
  flush(): void {
    if (this.#keeping !== null) this.#keep();
  }

  /** Stops the turn that this device sees running: a stop that arrives late must not hit the next one. */
  async stopTurn(clearQueue = false): Promise<void> {
    const running = this.lastTurn?.finishedAt === null ? this.lastTurn.turnId : null;
    this.#workspace.putSession(
      (await this.#workspace.client.request("agent_cancel", { agentSessionId: this.agentSessionId, clearQueue, turnId: running })).session,
    );
  }

  async editQueued(promptId: string, content: string): Promise<void> {
    this.#turn((await this.#workspace.client.request("agent_queue_edit", { agentSessionId: this.agentSessionId, promptId, content })).turn);
  }

  async removeQueued(promptId: string): Promise<void> {
    this.#turn((await this.#workspace.client.request("agent_queue_remove", { agentSessionId: this.agentSessionId, promptId })).turn);
  }

  /** Makes one prompt of these, which wait: the machine refuses what can't be one. */
  async mergeQueued(promptIds: readonly string[]): Promise<void> {
    this.#turn(
      (await this.#workspace.client.request("agent_queue_merge", { agentSessionId: this.agentSessionId, promptIds: [...promptIds] })).turn,
    );
  }

  /** Puts a waiting prompt before another one; null: last. */
  async moveQueued(promptId: string, before: string | null): Promise<void> {
    this.#transcript.applyOrder(
      (await this.#workspace.client.request("agent_queue_move", { agentSessionId: this.agentSessionId, promptId, before })).promptIds,
    );
    this.#schedule();
  }

  /** Somebody is about to write, or has opened the session: the machine may start the agent meanwhile. That it does not, or can't be asked, is nobody's trouble: the prompt starts it. */
  warm(opened = false): void {
    this.#workspace.client.request("agent_session_warm", { agentSessionId: this.agentSessionId, opened }).catch(() => undefined);
  }

  /** Ends a job with all that it started. */
  async stopJob(approvalId: string): Promise<void> {
    await this.#workspace.client.request("job_stop", { agentSessionId: this.agentSessionId, approvalId });
  }

  /** An empty model or effort: back to the agent's default. */
  async set(change: { title?: string; mode?: string; model?: string; effort?: string; archived?: boolean; held?: boolean }): Promise<void> {
    await this.#workspace.setSession(this.agentSessionId, change);
  }

  /** What is drawn was looked at: the machine hears it once for all that came within a moment. */
  see(): void {
    if (this.info?.unread !== true || !this.caughtUp || document.visibilityState !== "visible" || !this.#workspace.can("prompt")) return;
    this.#seeing ??= setTimeout(() => this.#saw(), SEE_AFTER_MS);
  }

  #saw(): void {
    if (this.#seeing === null) return;
    clearTimeout(this.#seeing);
    this.#seeing = null;
    this.#workspace.seeSession(this.agentSessionId, this.#seen).catch(() => undefined); // what comes next tells it again
  }

  #turn(turn: TurnInfo): void {
    this.#transcript.applyTurn(turn, Date.parse(turn.createdAt));
    this.#schedule();
  }

  async #showKept(): Promise<void> {
    const kept = await this.#workspace.copy.read<KeptTranscript>(`session/${this.agentSessionId}`);
    if (!kept || this.caughtUp || this.#closed) return;
    // Another transcript: nothing of it is ever mixed with what the machine tells.
    const past = new Transcript();
    kept.value.events.forEach((event, at) => past.apply(event, at + 1));
    this.kept = { rows: past.rows(), cut: kept.value.cut, at: kept.at };
  }

  #keepSoon(): void {
    this.#keeping ??= setTimeout(() => this.#keep(), KEEP_AFTER_MS);
  }

  /** Only what is whole up to the stream's head: half of a conversation would look like all of it. */
  #keep(): void {
    if (this.#keeping !== null) clearTimeout(this.#keeping);
    this.#keeping = null;
    if (!this.#subscribed || this.#seen < this.#head) return;
    let events = this.#recent.slice(-KEPT_EVENTS);
    // Room for the rest of the entry; what is pushed out is the oldest.
    let size = 0;
    let from = events.length;
    while (from > 0 && size < MAX_ENTRY * 0.9) size += JSON.stringify(events[--from]).length + 1;
    events = events.slice(size < MAX_ENTRY * 0.9 ? from : from + 1);
    void this.#workspace.copy.keepSession(this.agentSessionId, { cut: events.length < this.#seen, events } satisfies KeptTranscript);
  }

  #schedule(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    // A hidden page gets no frames; a timer keeps it from gathering an hour's work.
    const draw = (): void => {
      if (!this.#scheduled) return;
      this.#scheduled = false;
      this.#draw();
    };
    if (document.visibilityState === "visible") requestAnimationFrame(draw);
    else setTimeout(draw, 250);
  }

  #draw(): void {
    if (this.#closed) return;
    const transcript = this.#transcript;
    // While the past streams in, one picture at the end is faster than a hundred on the way.
    if (!this.caughtUp && this.#seen < this.#head) return;
    this.caughtUp ||= this.#subscribed;
    if (this.caughtUp) this.kept = null;
    this.rows = transcript.rows();
    this.queue = transcript.queue;
    this.jobs = transcript.jobs;
    this.commands = transcript.commands;
    if ((this.models !== transcript.models || this.efforts !== transcript.efforts) && this.info)
      this.#workspace.learnModels(this.info.agent, transcript.models, transcript.efforts);
    this.models = transcript.models;
    this.efforts = transcript.efforts;
    this.todo = transcript.todo;
    this.usage = transcript.usage;
    this.lastTurn = transcript.lastTurn;
    this.turns = transcript.turns;
  }
}
