import type { AgentDeltaPayload, AgentEventPayload, ApprovalInfo, CommandInfo, ModelInfo, TodoItem, TurnInfo, UsageInfo } from "../protocol/generated";
import type { RequestError } from "../client/errors";
import { sessionOf } from "../outbox/outbox";
import type { Row } from "../transcript/items";
import { Transcript } from "../transcript/transcript";
import type { Workspace } from "./workspace.svelte";

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

  readonly info = $derived.by(() => this.#workspace.sessions.get(this.agentSessionId) ?? null);
  /** Prompts of this session on their way to the machine. */
  readonly outgoing = $derived.by(() =>
    this.#workspace.outbox.filter((item) => sessionOf(item) === this.agentSessionId),
  );

  constructor(workspace: Workspace, agentSessionId: string) {
    this.#workspace = workspace;
    this.agentSessionId = agentSessionId;
    this.open();
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
          this.#schedule();
        },
        delta: (delta: AgentDeltaPayload) => {
          const whole = this.#transcript.applyDelta(delta);
          if (whole) this.#schedule();
          return whole;
        },
        reset: () => {
          this.#transcript.clear();
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
    for (const leave of this.#leave.splice(0)) leave();
  }

  /** Stops the turn that this device sees running: a stop that arrives late must not hit the next one. */
  async stopTurn(clearQueue = false): Promise<void> {
    const running = this.lastTurn?.finishedAt === null ? this.lastTurn.turnId : null;
    this.#workspace.putSession((await this.#workspace.client.request("agent_cancel", { agentSessionId: this.agentSessionId, clearQueue, turnId: running })).session);
  }

  async editQueued(promptId: string, content: string): Promise<void> {
    this.#turn((await this.#workspace.client.request("agent_queue_edit", { agentSessionId: this.agentSessionId, promptId, content })).turn);
  }

  async removeQueued(promptId: string): Promise<void> {
    this.#turn((await this.#workspace.client.request("agent_queue_remove", { agentSessionId: this.agentSessionId, promptId })).turn);
  }

  /** Puts a waiting prompt before another one; null: last. */
  async moveQueued(promptId: string, before: string | null): Promise<void> {
    this.#transcript.applyOrder((await this.#workspace.client.request("agent_queue_move", { agentSessionId: this.agentSessionId, promptId, before })).promptIds);
    this.#schedule();
  }

  /** Somebody is about to write: the machine may start the agent meanwhile. That it does not, or can't be asked, is nobody's trouble: the prompt starts it. */
  warm(): void {
    this.#workspace.client.request("agent_session_warm", { agentSessionId: this.agentSessionId }).catch(() => undefined);
  }

  /** Ends a job with all that it started. */
  async stopJob(approvalId: string): Promise<void> {
    await this.#workspace.client.request("job_stop", { agentSessionId: this.agentSessionId, approvalId });
  }

  /** An empty model or effort: back to the agent's default. */
  async set(change: { title?: string; mode?: string; model?: string; effort?: string; archived?: boolean; held?: boolean }): Promise<void> {
    this.#workspace.putSession((await this.#workspace.client.request("agent_session_set", { agentSessionId: this.agentSessionId, ...change })).session);
  }

  #turn(turn: TurnInfo): void {
    this.#transcript.applyTurn(turn, Date.parse(turn.createdAt));
    this.#schedule();
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
    this.rows = transcript.rows();
    this.queue = transcript.queue;
    this.jobs = transcript.jobs;
    this.commands = transcript.commands;
    if ((this.models !== transcript.models || this.efforts !== transcript.efforts) && this.info) this.#workspace.learnModels(this.info.agent, transcript.models, transcript.efforts);
    this.models = transcript.models;
    this.efforts = transcript.efforts;
    this.todo = transcript.todo;
    this.usage = transcript.usage;
    this.lastTurn = transcript.lastTurn;
    this.turns = transcript.turns;
  }
}
