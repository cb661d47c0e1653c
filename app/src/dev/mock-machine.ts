import { Limits } from "$lib/protocol/generated";
import type {
  AgentDeltaPayload,
  AgentEventPayload,
  AgentInfo,
  DecisionRequest,
  ApprovalInfo,
  DeviceInfo,
  Envelope,
  ErrorCode,
  HelloResponse,
  LedgerHead,
  LedgerRowInfo,
  MachineEvent,
  MachineInfo,
  NetworkRuleInfo,
  ProjectDefaults,
  ProjectInfo,
  Requests,
  Scope,
  SessionInfo,
  SessionSpeaker,
  SnapshotDiffResponse,
  TurnInfo,
  UndoFile,
  UndoInfo,
  UndoTarget,
} from "$lib/protocol/generated";
import type { Socket } from "$lib/link/transport";
import { runsWhenAllowed } from "$lib/stores/decisions";
import { frame } from "./mock-door";
import { MockFiles } from "./mock-files";
import { begunIn, NO_DEFAULTS } from "./mock-begun";
import { keyAnswers } from "./mock-keys";
import { usageAnswers } from "./mock-usage";
import { gitAnswers } from "./mock-git";
import { fileAnswers, type Refuse } from "./mock-project-files";
import { runAnswers } from "./mock-runs";
import { notificationAnswers } from "./mock-notifications";
import { setupAnswers } from "./mock-setup";
import { statusAnswers } from "./mock-status";
import { MockTerminals } from "./mock-terminals";
import { MockTree } from "./mock-tree";
import { type MockTrees, worktreeAnswers } from "./mock-worktrees";
import { uuid7 } from "$lib/ids/uuid7";

/** What a letter says. The mock seals nothing. */
export interface MockLetter {
  readonly type: string;
  readonly requestId: string;
  readonly until: string;
  readonly payload: unknown;
}

/** How the mock begins and behaves. */
export interface MockState {
  machine: MachineInfo;
  projects: ProjectInfo[];
  agents: AgentInfo[];
  sessions: SessionInfo[];
  approvals: ApprovalInfo[];
  devices: DeviceInfo[];
  rules: NetworkRuleInfo[];
  /** What projects' sessions begin with. */
  defaults: Map<string, ProjectDefaults>;
  ledger: LedgerRowInfo[];
  head: LedgerHead;
  scopes: Scope[];
  /** What was left at the gateway for it; undefined: the gateway keeps none. */
  letters?: Map<string, MockLetter>;
  events: Map<string, AgentEventPayload[]>;
  deltas: Map<string, AgentDeltaPayload[]>;
  /** `never`: no connection comes about. `mute`: connects and then says nothing. */
  network: "good" | "never" | "mute";
  refusal: { code: string; message: string; proved: boolean } | null;
  /** What requests of a type are answered with instead. */
  errors: Map<string, ErrorCode>;
  /** False: a machine of before, which gives all sessions at once. */
  pages?: boolean;
  /** A decision's effects come one by one, this many milliseconds apart; 0 at once. */
  pace: number;
  /** What undoing anything would change. */
  undo: UndoFile[];
  /** A merge stopped in the projects' repository. */
  conflict: boolean;
  /** A push runs, without an end. */
  pushing: boolean;
  trees: MockTrees;
}

type Answer<T extends keyof Requests> = (request: Requests[T]["request"]) => Requests[T]["response"];
type Answers = { [T in keyof Requests]: Answer<T> };

class Refused extends Error {
  readonly code: ErrorCode;
  readonly details: Record<string, string>;

  constructor(code: ErrorCode, details: Record<string, string> = {}) {
    super(code);
    this.code = code;
    this.details = details;
  }
}

/** A machine made of lists. Speaks the real protocol over a socket that never leaves the page; counts what it was asked. */
export class MockMachine {
  readonly state: MockState;
  readonly requests: { type: string; payload: unknown }[] = [];
  epoch = "mock-epoch-1";
  machineSeq = 0;
  readonly #sockets = new Set<MockSocket>();
  readonly #machineLog: MachineEvent[] = [];
  readonly #answers: Answers;
  readonly files = new MockFiles();
  /** The files of every project, which are the same. */
  readonly tree = new MockTree();
  readonly #deleted = new Set<string>();
  readonly #whenDone = new Map<string, () => void>();
  readonly terminals = new MockTerminals((id) => {
    const found = this.state.sessions.find((item) => item.agentSessionId === id);
    return found === undefined ? "SESSION_NOT_FOUND" : found.sandbox === "none" ? "SANDBOX_UNAVAILABLE" : null;
  });

  constructor(state: MockState) {
    this.state = state;
    this.#answers = this.#table();
  }

  connect(): Socket {
    const socket = new MockSocket(this);
    this.#sockets.add(socket);
    return socket;
  }

  #held: (() => void)[] | null = null;

  /** Nothing that it says arrives before `release`. */
  hold(): void {
    this.#held ??= [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const deliver of held) deliver();
  }

  /** Now, or with all that is held. */
  arrives(deliver: () => void): void {
    if (this.#held) this.#held.push(deliver);
    else deliver();
  }

  get connections(): number {
    return this.#sockets.size;
  }

  /** All connections end, as when the phone goes through a tunnel. */
  dropAll(): void {
    for (const socket of [...this.#sockets]) socket.fail();
  }

  left(socket: MockSocket): void {
    this.#sockets.delete(socket);
  }

  /** A durable event of a session. */
  emit(agentSessionId: string, event: AgentEventPayload): void {
    const list = this.state.events.get(agentSessionId) ?? [];
    list.push(event);
    this.state.events.set(agentSessionId, list);
    this.#push({ type: "agent_event", stream: `session/${agentSessionId}`, seq: list.length, payload: event });
    const said = event.kind === "text" || event.kind === "done" || event.kind === "error" || event.kind === "sent_file";
    const session = this.state.sessions.find((item) => item.agentSessionId === agentSessionId);
    if (said && session && !session.unread) this.change({ kind: "session", session: { ...session, unread: true } });
  }

  delta(agentSessionId: string, delta: AgentDeltaPayload): void {
    this.#push({ type: "agent_delta", stream: `session/${agentSessionId}`, seq: null, payload: delta });
  }

  change(event: MachineEvent): void {
    this.machineSeq++;
    this.#machineLog.push(event);
    if (event.kind === "approval") replace(this.state.approvals, event.approval, (item) => item.approvalId);
    if (event.kind === "session") replace(this.state.sessions, event.session, (item) => item.agentSessionId);
    this.#push({ type: "machine_event", stream: "machine", seq: this.machineSeq, payload: event });
  }

  #push(message: Pick<Envelope, "type" | "stream" | "seq" | "payload">): void {
    for (const socket of this.#sockets)
      if (message.stream !== null && socket.streams.has(message.stream))
        socket.tell({ ...message, v: 1, requestId: null, epoch: this.epoch, error: null });
  }

  #tellAll(message: Pick<Envelope, "type" | "stream" | "epoch" | "seq" | "payload">): void {
    for (const socket of this.#sockets) socket.tell({ ...message, v: 1, requestId: null, error: null });
  }

  answer(socket: MockSocket, envelope: Envelope): void {
    const { type, requestId } = envelope;
    this.requests.push({ type, payload: envelope.payload });
    if (this.state.network === "mute" && type !== "hello") return;
    const forced = this.state.errors.get(type);
    try {
      if (forced) throw new Refused(forced);
      if (type === "hello" && this.state.refusal?.proved) throw new Refused(this.state.refusal.code as ErrorCode);
      const answer = this.#answers[type as keyof Requests] as ((request: unknown) => unknown) | undefined;
      if (!answer) throw new Refused("INVALID_REQUEST");
      const payload = answer(envelope.payload);
      queueMicrotask(() => this.terminals.tell((message) => this.#tellAll(message)));
      socket.tell({ v: 1, type: `${type}_response`, requestId, stream: null, epoch: null, seq: null, payload, error: null });
      if (type === "subscribe") this.#replay(socket, envelope.payload as Requests["subscribe"]["request"]);
      if (type === "unsubscribe") socket.streams.delete((envelope.payload as Requests["unsubscribe"]["request"]).stream);
    } catch (error) {
      const code = error instanceof Refused ? error.code : "UNKNOWN_ERROR";
      socket.tell({
        v: 1,
        type: "error",
        requestId,
        stream: null,
        epoch: null,
        seq: null,
        payload: null,
        error: { code, message: code, details: error instanceof Refused ? error.details : {} },
      });
    }
  }

  /** An approval of something that a person asked for in a project. */
  #asked(subject: ApprovalInfo["subject"], done?: () => void): string {
    const approvalId = uuid7();
    const at = Date.now();
    this.change({
      kind: "approval",
      approval: {
        approvalId,
        agentSessionId: null,
        turnId: "00000000-0000-0000-0000-000000000000",
        projectId: this.state.projects[0]?.projectId ?? "",
        agent: "person",
        toolUseId: null,
        kind: subject.kind,
        state: "pending",
        digest: "5e".repeat(32),
        subject,
        reason: null,
        reach: null,
        sandbox: "bubblewrap",
        requestedAt: new Date(at).toISOString(),
        expiresAt: new Date(at + 600_000).toISOString(),
        decision: null,
        execution: null,
        requestedBy: "Pixel",
        requestedById: "phone",
        subAgent: null,
      },
    });
    if (done) this.#whenDone.set(approvalId, done);
    return approvalId;
  }

  #replay(socket: MockSocket, { stream, after = 0, epoch, batches }: Requests["subscribe"]["request"]): void {
    socket.streams.add(stream);
    const from = epoch === this.epoch ? after : 0;
    if (stream === "machine") {
      this.#machineLog.slice(from).forEach((payload, at) =>
        socket.tell({
          v: 1,
          type: "machine_event",
          requestId: null,
          stream,
          epoch: this.epoch,
          seq: from + at + 1,
          payload,
          error: null,
        }),
      );
      return;
    }
    const id = stream.slice("session/".length);
    const events = (this.state.events.get(id) ?? []).slice(from);
    if (batches && events.length > 1)
      socket.tell({
        v: 1,
        type: "agent_events",
        requestId: null,
        stream,
        epoch: this.epoch,
        seq: from + 1,
        payload: { events },
        error: null,
      });
    else
      events.forEach((payload, at) =>
        socket.tell({ v: 1, type: "agent_event", requestId: null, stream, epoch: this.epoch, seq: from + at + 1, payload, error: null }),
      );
    for (const payload of this.state.deltas.get(id) ?? [])
      socket.tell({ v: 1, type: "agent_delta", requestId: null, stream, epoch: this.epoch, seq: null, payload, error: null });
  }

  #table(): Answers {
    const { state } = this;
    const refuse: Refuse = (code, details) => {
      throw new Refused(code, details);
    };
    const now = (): string => new Date().toISOString();
    const session = (id: string): SessionInfo => {
      const found = state.sessions.find((item) => item.agentSessionId === id);
      if (!found) throw new Refused("SESSION_NOT_FOUND");
      return found;
    };
    const device = (id: string): DeviceInfo => {
      const found = state.devices.find((item) => item.deviceId === id);
      if (!found) throw new Refused("DEVICE_NOT_FOUND");
      return found;
    };
    const queue = (agentSessionId: string, promptId: string, content: string, attachments: readonly string[] = []): TurnInfo => {
      const known = turnsOf(state.events.get(agentSessionId) ?? []).get(promptId);
      if (known) return known;
      const busy = session(agentSessionId).state !== "idle";
      const turn: TurnInfo = {
        turnId: promptId,
        state: busy ? "queued" : "running",
        content,
        deviceId: "phone",
        createdAt: now(),
        startedAt: busy ? null : now(),
        finishedAt: null,
        error: null,
        attachments: attachments.map((file) => this.files.info(file)),
      };
      this.emit(agentSessionId, { kind: "turn", turn, at: now(), turnId: promptId, parentToolUseId: null });
      this.change({
        kind: "session",
        session: {
          ...session(agentSessionId),
          state: busy ? session(agentSessionId).state : "working",
          queued: session(agentSessionId).queued + (busy ? 1 : 0),
          updatedAt: now(),
        },
      });
      return turn;
    };
    /** Sessions behind a place in the order of their last change, as the machine pages them. */
    const page = (
      limit: number | null | undefined,
      after: string | null | undefined,
      archived = false,
    ): { sessions: SessionInfo[]; next: string | null } => {
      const place = (item: SessionInfo): string => `${Date.parse(item.updatedAt).toString().padStart(16, "0")}.${item.agentSessionId}`;
      const rest = state.sessions
        .filter((item) => (archived || !item.archived) && (!after || place(item) < after))
        .sort((a, b) => (place(a) < place(b) ? 1 : -1));
      const sessions = rest.slice(0, limit ?? rest.length);
      const last = sessions.at(-1);
      return { sessions, next: last && sessions.length < rest.length ? place(last) : null };
    };
    const editTurn = (agentSessionId: string, promptId: string, edit: (turn: TurnInfo) => TurnInfo): TurnInfo => {
      const turn = turnsOf(state.events.get(agentSessionId) ?? []).get(promptId);
      if (turn?.state !== "queued") throw new Refused("TURN_NOT_FOUND");
      const next = edit(turn);
      this.emit(agentSessionId, { kind: "turn", turn: next, at: now(), turnId: promptId, parentToolUseId: null });
      return next;
    };
    const preview = (target: UndoTarget): SnapshotDiffResponse => ({
      target,
      takenAt: now(),
      digest: "d1".repeat(32),
      total: state.undo.length,
      files: state.undo,
      changedSince: state.undo.filter((file) => file.changedSince).length,
      outcomeUnknown: false,
      running: false,
      leftAlone: [{ path: "build/app.bin", why: "its content before was not kept (too large, or it could not be read)" }],
    });
    return {
      hello: (): HelloResponse => ({
        protocol: 1,
        machine: state.machine,
        signingKey: "mock",
        deviceId: "phone",
        scopes: state.scopes,
        instance: "mock",
        now: now(),
        ledger: state.head,
        tier: state.devices[0]?.tier ?? null,
      }),
      ping: () => ({ now: now() }),
      subscribe: ({ stream, epoch }) => {
        if (
          stream !== "machine" &&
          !stream.startsWith("files/") &&
          !state.sessions.some((item) => `session/${item.agentSessionId}` === stream)
        )
          throw new Refused("SESSION_NOT_FOUND");
        const head = stream === "machine" ? this.machineSeq : (state.events.get(stream.slice("session/".length))?.length ?? 0);
        return { stream, epoch: this.epoch, head, reset: epoch !== null && epoch !== undefined && epoch !== this.epoch };
      },
      unsubscribe: ({ stream }) => ({ stream }),
      machines_list: () => ({ machines: [state.machine] }),
      machine_state: ({ sessions, archived }) => ({
        machine: state.machine,
        projects: state.projects,
        agents: state.agents,
        ...(state.pages === false
          ? { sessions: state.sessions }
          : { sessions: page(sessions, null, archived).sessions, nextSessions: page(sessions, null, archived).next }),
        approvals: state.approvals.filter((item) => item.state === "pending" || item.state === "unknown" || item.state === "running"),
        cursor: { stream: "machine", epoch: this.epoch, seq: this.machineSeq },
      }),
      ...statusAnswers(state),
      ...notificationAnswers(state, refuse),
      projects_list: () => ({ projects: state.projects }),
      agent_conversations: ({ projectId }) => ({
        conversations: begunIn(
          state.projects.find((item) => item.projectId === projectId)?.path ?? "",
          state.sessions[0]?.agentSessionId ?? null,
        ),
        missing: [],
      }),
      project_defaults_get: ({ projectId }) => ({ defaults: state.defaults.get(projectId) ?? NO_DEFAULTS }),
      project_defaults_set: ({ projectId, defaults }) => {
        state.defaults.set(projectId, defaults);
        return { defaults };
      },
      agents_list: () => ({ agents: state.agents }),
      agent_session_new: ({ agentSessionId, promptId, projectId, agent, content, mode, model, effort, folder, attachments }) => {
        if (!state.sessions.some((item) => item.agentSessionId === agentSessionId)) {
          const created: SessionInfo = {
            agentSessionId,
            projectId,
            agent,
            title: content.slice(0, 60),
            state: "idle",
            activity: null,
            quiet: null,
            mode: mode ?? null,
            model: model ?? null,
            sandbox: "none",
            queued: 0,
            held: false,
            inTerminal: false,
            archived: false,
            createdAt: now(),
            updatedAt: now(),
            usage: { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, costUsd: null },
            head: 0,
            folder: folder ? folder : null,
            effort: effort ?? null,
            context: null,
            activitySince: null,
            lastLine: null,
            changes: null,
            pinned: false,
            labels: [],
            snoozedUntil: null,
            unread: false,
          };
          state.sessions.push(created);
          this.change({ kind: "session", session: created });
        }
        const turn = queue(agentSessionId, promptId, content, attachments ?? []);
        return { agentSessionId, session: session(agentSessionId), turn };
      },
      agent_message: ({ agentSessionId, promptId, content, attachments }) => ({
        turn: queue(agentSessionId, promptId, content, attachments ?? []),
      }),
      agent_session_fork: ({ agentSessionId, newSessionId, promptId, content, attachments }) => {
        const origin = session(agentSessionId);
        if (!state.sessions.some((item) => item.agentSessionId === newSessionId)) {
          const created: SessionInfo = {
            ...origin,
            agentSessionId: newSessionId,
            title: content.slice(0, 60),
            state: "idle",
            activity: null,
            queued: 0,
            createdAt: now(),
            updatedAt: now(),
          };
          state.sessions.push(created);
          this.change({ kind: "session", session: created });
          for (const event of state.events.get(agentSessionId) ?? [])
            if (event.kind !== "usage" && event.kind !== "prompt") this.emit(newSessionId, event);
          this.emit(newSessionId, {
            kind: "fork",
            originSessionId: agentSessionId,
            originTitle: origin.title,
            cut: false,
            at: now(),
            turnId: null,
            parentToolUseId: null,
          });
        }
        const turn = queue(newSessionId, promptId, content, attachments ?? []);
        return { session: session(newSessionId), turn };
      },
      ...this.files.answers((code) => {
        throw new Refused(code);
      }),
      agent_sessions_list: ({ limit, after, archived }) => page(limit, after, archived),
      agent_session_get: ({ agentSessionId }) => ({
        session: session(agentSessionId),
        turns: [...turnsOf(state.events.get(agentSessionId) ?? []).values()],
      }),
      agent_queue_move: ({ agentSessionId, promptId, before }) => {
        const waiting = queued(state.events.get(agentSessionId) ?? []).filter((id) => id !== promptId);
        const place = before ? waiting.indexOf(before) : waiting.length;
        if (place < 0) throw new Refused("TURN_NOT_FOUND");
        waiting.splice(place, 0, promptId);
        this.emit(agentSessionId, { kind: "queue", promptIds: waiting, at: now(), turnId: null, parentToolUseId: null });
        return { promptIds: waiting };
      },
      agent_steer: ({ agentSessionId, promptId, content }) => {
        if (session(agentSessionId).state !== "working") return { state: "queued", turn: queue(agentSessionId, promptId, content) };
        this.emit(agentSessionId, {
          kind: "steer",
          promptId,
          content,
          deviceId: "phone",
          state: "heard",
          at: now(),
          turnId: null,
          parentToolUseId: null,
        });
        return { state: "heard", turn: null };
      },
      agent_session_warm: () => ({ warm: true }),
      agent_continue: ({ agentSessionId, turnId, promptId }) => {
        const cut = turnsOf(state.events.get(agentSessionId) ?? []).get(turnId);
        if (!cut) throw new Refused("TURN_NOT_FOUND");
        this.change({ kind: "session", session: { ...session(agentSessionId), state: "idle", held: false } });
        return { turn: queue(agentSessionId, promptId, cut.content) };
      },
      agent_session_set: ({ agentSessionId, title, mode, model, effort, archived, pinned, labels, snoozedUntil }) => {
        const known = session(agentSessionId);
        const busy = known.state === "working" || known.state === "needs_you";
        if (archived === true && busy) throw new Refused("CONFLICT");
        if (labels && (labels.length > Limits.sessionLabels || labels.some((label) => label === "" || label.length > Limits.labelLength)))
          throw new Refused("INVALID_REQUEST");
        const later = snoozedUntil != null && Date.parse(snoozedUntil) > Date.now();
        if (later && known.state === "needs_you") throw new Refused("CONFLICT");
        const isChange = [title, mode, model, effort, archived].some((one) => one != null);
        const next = {
          ...known,
          title: title ?? known.title,
          mode: mode ?? known.mode,
          model: model === undefined || model === null ? known.model : model || null,
          effort: effort === undefined || effort === null ? known.effort : effort || null,
          archived: archived ?? known.archived,
          pinned: pinned ?? known.pinned,
          labels: labels ?? known.labels,
          snoozedUntil: snoozedUntil == null ? known.snoozedUntil : later ? snoozedUntil : null,
          updatedAt: isChange ? now() : known.updatedAt,
        };
        this.change({ kind: "session", session: next });
        return { session: next };
      },
      agent_session_seen: ({ agentSessionId, seq }) => {
        const known = session(agentSessionId);
        if (known.unread) this.change({ kind: "session", session: { ...known, unread: false } });
        return { seq };
      },
      agent_session_delete: ({ agentSessionId }) => {
        if (this.#deleted.has(agentSessionId)) return { agentSessionId, complete: true };
        const known = session(agentSessionId);
        if (!state.scopes.includes("manage")) throw new Refused("UNAUTHORIZED");
        if (known.state === "working" || known.state === "needs_you" || known.inTerminal) throw new Refused("CONFLICT");
        this.#deleted.add(agentSessionId);
        state.sessions = state.sessions.filter((item) => item.agentSessionId !== agentSessionId);
        state.events.delete(agentSessionId);
        this.change({ kind: "session_removed", agentSessionId });
        return { agentSessionId, complete: true };
      },
      agent_cancel: ({ agentSessionId }) => {
        const next: SessionInfo = { ...session(agentSessionId), state: "idle", activity: null, quiet: null, updatedAt: now() };
        for (const turn of turnsOf(state.events.get(agentSessionId) ?? []).values()) {
          if (turn.state === "running" || turn.state === "waiting") {
            this.emit(agentSessionId, {
              kind: "turn",
              turn: { ...turn, state: "cancelled", finishedAt: now() },
              at: now(),
              turnId: turn.turnId,
              parentToolUseId: null,
            });
          }
        }
        this.change({ kind: "session", session: next });
        return { session: next };
      },
      agent_queue_edit: ({ agentSessionId, promptId, content }) => ({
        turn: editTurn(agentSessionId, promptId, (turn) => ({ ...turn, content })),
      }),
      agent_queue_merge: ({ agentSessionId, promptIds }) => {
        const turns = turnsOf(state.events.get(agentSessionId) ?? []);
        const [first, ...others] = queued(state.events.get(agentSessionId) ?? []).filter((id) => promptIds.includes(id));
        if (!first || others.length !== promptIds.length - 1) throw new Refused("TURN_NOT_FOUND");
        const content = [first, ...others].map((id) => turns.get(id)?.content ?? "").join("\n\n");
        for (const id of others) editTurn(agentSessionId, id, (turn) => ({ ...turn, state: "cancelled", finishedAt: now() }));
        return { turn: editTurn(agentSessionId, first, (turn) => ({ ...turn, content })) };
      },
      agent_queue_remove: ({ agentSessionId, promptId }) => ({
        turn: editTurn(agentSessionId, promptId, (turn) => ({ ...turn, state: "cancelled", finishedAt: now() })),
      }),
      agent_prompt_response: (request) => ({ approval: this.#decide(request) }),
      snapshot_diff: ({ target }) => preview(target),
      snapshot_undo: ({ undoId, target, digest, force }) => {
        const looked = preview(target);
        if (digest !== looked.digest) throw new Refused("DIGEST_MISMATCH");
        if (looked.changedSince > 0 && !force) throw new Refused("FILES_CHANGED");
        const agentSessionId =
          state.approvals.find((item) => item.approvalId === target.id)?.agentSessionId ?? state.sessions[0]?.agentSessionId ?? "";
        const undo: UndoInfo = {
          undoId,
          target,
          agentSessionId,
          turnId: null,
          by: "Pixel",
          at: now(),
          files: looked.total,
          paths: looked.files.map((file) => file.path),
          failed: [],
        };
        state.undo = [];
        this.emit(agentSessionId, { kind: "undo", undo, at: now(), turnId: null, parentToolUseId: null });
        return { undo };
      },
      approvals_list: ({ sameAs }) => {
        const subject = JSON.stringify(state.approvals.find((one) => one.approvalId === sameAs)?.subject);
        return {
          approvals:
            sameAs == null
              ? state.approvals
              : state.approvals.filter(
                  (one) => one.approvalId !== sameAs && one.decision?.deviceId != null && JSON.stringify(one.subject) === subject,
                ),
        };
      },
      agent_sessions_search: ({ query }) => {
        const wanted = query.trim().toLowerCase();
        const hits = [...state.events].flatMap(([stream, events]) => {
          const said = events.flatMap((event): { who: SessionSpeaker; text: string; at: string }[] =>
            event.kind === "text"
              ? [{ who: "agent", text: event.text, at: event.at }]
              : event.kind === "turn"
                ? [{ who: "person", text: event.turn.content, at: event.at }]
                : [],
          );
          const found = said.filter((message) => message.text.toLowerCase().includes(wanted));
          const last = found.at(-1);
          if (!last) return [];
          const from = last.text.toLowerCase().indexOf(wanted);
          return [
            {
              agentSessionId: stream,
              who: last.who,
              at: last.at,
              excerpt: last.text.replace(/\s/g, " ").slice(Math.max(0, from - 60), from + 140),
              from: Math.min(60, from),
              length: wanted.length,
              messages: found.length,
            },
          ];
        });
        return { hits, behind: false };
      },
      execution_output: ({ approvalId, offset, limit }) => {
        const asked = state.approvals.find((item) => item.approvalId === approvalId);
        const all =
          asked?.subject.kind === "command" && !asked.subject.background && asked.execution?.job == null
            ? "> api@1.0.0 test\n> vitest run --coverage\n\n Test Files  12 passed (12)\n      Tests  214 passed (214)\n"
            : Array.from({ length: 20_000 }, (_, n) => `GET /health 200 ${n}\n`).join("");
        const from = offset ?? 0;
        return {
          approvalId,
          offset: from,
          data: btoa(all.slice(from, from + (limit ?? 262_144))),
          kept: all.length,
          total: all.length,
          running: true,
        };
      },
      jobs_list: () => ({ jobs: [] }),
      job_stop: ({ approvalId }) => {
        const job = state.approvals.find((item) => item.approvalId === approvalId && item.state === "running");
        if (job?.execution)
          this.showApproval({ ...job, state: "finished", execution: { ...job.execution, finishedAt: now(), exitCode: 143, failed: true } });
        return { stopped: job !== undefined };
      },
      sent_file: ({ fileId, offset }) => {
        const text = "# Report\n\nAll 214 tests pass.\n";
        return { fileId, offset: offset ?? 0, data: btoa(text.slice(offset ?? 0)), bytes: text.length };
      },
      network_rules_list: () => ({ rules: state.rules }),
      network_rule_remove: ({ ruleId }) => {
        const rule = state.rules.find((other) => other.ruleId === ruleId)!;
        state.rules = state.rules.filter((other) => other.ruleId !== ruleId);
        return { rule };
      },
      devices_list: () => ({ devices: state.devices }),
      device_revoke: ({ deviceId }) => ({
        device: put(state.devices, { ...device(deviceId), revokedAt: now(), connected: false }, (item) => item.deviceId),
      }),
      chat_pairing_offer: ({ scopes }) => ({
        code: "7KQ2-M9XD",
        scopes: scopes ?? ["view", "prompt", "decide"],
        expiresAt: new Date(Date.parse(now()) + 600_000).toISOString(),
      }),
      device_rename: ({ deviceId, name }) => ({ device: put(state.devices, { ...device(deviceId), name }, (item) => item.deviceId) }),
      ledger_head: ({ atSeq }) => ({ head: state.head, hashAt: state.ledger.find((row) => row.seq === atSeq)?.hash ?? null }),
      ledger_list: ({ before, limit, approvalId }) => {
        const rows = [...state.ledger]
          .reverse()
          .filter(
            (row) =>
              (before === null || before === undefined || row.seq < before) &&
              (!approvalId || row.body.includes(`"approvalId":"${approvalId}"`)),
          );
        return { rows: rows.slice(0, limit ?? 50), more: rows.length > (limit ?? 50) };
      },
      ...this.terminals.answers(
        (code) => {
          throw new Refused(code);
        },
        () => state.scopes.includes("decide") && !state.devices[0]?.tier && !state.machine.twoPeople,
      ),
      ...fileAnswers(
        this.tree,
        refuse,
        (subject, done) => this.#asked(subject, done),
        (id) => state.approvals.some((item) => item.approvalId === id && item.state === "finished"),
      ),
      ...gitAnswers(
        this.tree,
        refuse,
        (subject, done) => this.#asked(subject, done),
        (id) => state.approvals.find((item) => item.approvalId === id)!,
        { conflict: state.conflict, pushing: state.pushing },
        (text) => this.change({ kind: "git_progress", projectId: state.projects[0]?.projectId ?? "", text }),
        (id) => this.#stopped(id),
      ),
      ...keyAnswers(state, refuse, (event) => this.change(event)),
      ...usageAnswers(state, refuse),
      ...setupAnswers(state, refuse, (event) => this.change(event)),
      ...worktreeAnswers(state, refuse, (project) => this.change({ kind: "project", project })),
      ...runAnswers(
        (message) => this.#tellAll(message),
        refuse,
        (subject, done) => this.#asked(subject, done),
      ),
      letters_withdraw: () => ({}),
      ledger_verify: () => ({
        intact: true,
        rows: state.ledger.length,
        firstBadSeq: null,
        problem: null,
        head: state.head,
        signedFrom: 1,
        accepted: [],
        checked: ["every row's hash"],
        notChecked: ["the signatures of devices"],
      }),
    };
  }

  #decide(request: DecisionRequest): ApprovalInfo {
    const known = this.state.approvals.find((item) => item.approvalId === request.approvalId);
    if (!known) throw new Refused("APPROVAL_NOT_FOUND");
    if (known.decision?.decisionId === request.decisionId) return known;
    if (known.state !== "pending") throw new Refused("ALREADY_DECIDED");
    if (known.digest !== request.digest) throw new Refused("DIGEST_MISMATCH");
    const at = new Date().toISOString();
    const { decisionId, verdict, scope } = request;
    const reason = request.reason ?? (known.kind === "question" ? (request.answers ?? null) : null);
    const decided: ApprovalInfo = {
      ...known,
      state:
        verdict === "deny"
          ? "denied"
          : known.kind === "network" || (known.subject.kind === "file" && known.subject.operation === "read")
            ? "finished"
            : "allowed",
      decision: { decisionId, verdict, scope, reason, deviceId: "phone", by: "Pixel", at },
    };
    this.showApproval(decided);
    if (verdict === "allow" && runsWhenAllowed(known)) this.#execute(decided);
    return decided;
  }

  #execute(approval: ApprovalInfo): void {
    const startedAt = new Date().toISOString();
    const running: ApprovalInfo = {
      ...approval,
      state: "running",
      execution: { startedAt, finishedAt: null, exitCode: null, failed: null },
    };
    const finished = (): ApprovalInfo => {
      this.#whenDone.get(approval.approvalId)?.();
      return ended();
    };
    const ended = (): ApprovalInfo => ({
      ...approval,
      state: "finished",
      execution: { startedAt, finishedAt: new Date().toISOString(), exitCode: 0, failed: false },
    });
    if (approval.kind === "git" && this.state.pace > 0)
      setTimeout(
        () => this.change({ kind: "git_progress", projectId: approval.projectId, text: "Writing objects:  50% (1/2)" }),
        this.state.pace * 1.2,
      );
    if (this.state.pace === 0) {
      this.showApproval(running);
      this.showApproval(finished());
      return;
    }
    setTimeout(() => this.showApproval(running), this.state.pace);
    setTimeout(() => this.showApproval(finished()), this.state.pace * 2);
  }

  #stopped(approvalId: string): ApprovalInfo {
    const approval = this.state.approvals.find((item) => item.approvalId === approvalId);
    if (!approval) throw new Refused("APPROVAL_NOT_FOUND");
    const at = new Date().toISOString();
    const stopped: ApprovalInfo = {
      ...approval,
      state: "finished",
      execution: {
        startedAt: at,
        ...approval.execution,
        finishedAt: at,
        exitCode: null,
        failed: true,
        error: "Stopped by Pixel. Completed work is kept.",
      },
    };
    this.showApproval(stopped);
    return stopped;
  }

  /** An approval as it is now, on both streams. */
  showApproval(approval: ApprovalInfo): void {
    this.change({ kind: "approval", approval });
    if (approval.agentSessionId)
      this.emit(approval.agentSessionId, {
        kind: "prompt",
        approval,
        at: new Date().toISOString(),
        turnId: approval.turnId,
        parentToolUseId: null,
      });
  }
}

/** One end of a socket whose other end is the mock. Everything arrives in a later task, as it would from a network. */
class MockSocket implements Socket {
  binaryType: BinaryType = "arraybuffer";
  bufferedAmount = 0;
  onopen: ((event: Event) => void) | null = null;
  onmessage: ((event: MessageEvent<unknown>) => void) | null = null;
  onclose: ((event: CloseEvent) => void) | null = null;
  onerror: ((event: Event) => void) | null = null;
  readonly streams = new Set<string>();
  readonly #machine: MockMachine;
  #open = true;

  get readyState(): number {
    return this.#open ? 1 : 3;
  }

  constructor(machine: MockMachine) {
    this.#machine = machine;
    queueMicrotask(() => {
      if (machine.state.network === "never") this.fail();
      else if (this.#open) this.onopen?.(new Event("open"));
    });
  }

  send(data: Uint8Array<ArrayBuffer>): void {
    if (!this.#open) return;
    queueMicrotask(() => {
      if (!this.#open) return;
      if (data[0] === 1) {
        const { refusal } = this.#machine.state;
        if (refusal && !refusal.proved) {
          this.#deliver(Uint8Array.of(4, ...new TextEncoder().encode(JSON.stringify(refusal))));
          this.fail();
          return;
        }
        this.#deliver(Uint8Array.of(2));
        return;
      }
      this.#machine.answer(this, JSON.parse(new TextDecoder().decode(data.subarray(1))) as Envelope);
    });
  }

  tell(envelope: Envelope): void {
    const bytes = frame(new TextEncoder().encode(JSON.stringify(envelope)));
    this.#machine.arrives(() => {
      if (this.#open) this.#deliver(bytes);
    });
  }

  fail(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#machine.left(this);
    this.onclose?.(new CloseEvent("close"));
  }

  close(): void {
    this.#open = false;
    this.#machine.left(this);
  }

  #deliver(bytes: Uint8Array<ArrayBuffer>): void {
    this.onmessage?.(new MessageEvent("message", { data: bytes.buffer }));
  }
}

function turnsOf(events: readonly AgentEventPayload[]): Map<string, TurnInfo> {
  const turns = new Map<string, TurnInfo>();
  for (const event of events) if (event.kind === "turn") turns.set(event.turn.turnId, event.turn);
  return turns;
}

/** The ids of all that wait, in order. */
function queued(events: readonly AgentEventPayload[]): string[] {
  let order: readonly string[] = [];
  for (const event of events) if (event.kind === "queue") order = event.promptIds;
  const waiting = [...turnsOf(events).values()].filter((turn) => turn.state === "queued").map((turn) => turn.turnId);
  return [...order.filter((id) => waiting.includes(id)), ...waiting.filter((id) => !order.includes(id))];
}

function replace<T>(list: T[], item: T, key: (item: T) => string): void {
  const at = list.findIndex((other) => key(other) === key(item));
  if (at < 0) list.push(item);
  else list[at] = item;
}

function put<T>(list: T[], item: T, key: (item: T) => string): T {
  replace(list, item, key);
  return item;
}
