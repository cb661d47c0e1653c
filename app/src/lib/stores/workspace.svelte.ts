import type {
  AgentInfo, ApprovalInfo, DecisionScope, DecisionVerdict, DeviceInfo, HelloResponse, LedgerHead, MachineEvent, MachineInfo, ModelInfo, ProjectInfo, Requests,
  Scope, SessionInfo, SnapshotDiffResponse, TurnInfo, SandboxKind, UndoInfo, UndoTarget } from "../protocol/generated";
import { Attachments } from "../attachments/attachments.svelte";
import { Thumbnails } from "../attachments/look";
import { Client } from "../client/client";
import { RequestError } from "../client/errors";
import { uuid7 } from "../ids/uuid7";
import { type LedgerAlarm, LedgerMemory } from "../ledger/memory";
import type { Door, PairedMachine } from "../link/door";
import { Link, type LinkState, PROTOCOL_VERSION } from "../link/link";
import { Outbox, type OutboxItem, sessionOf } from "../outbox/outbox";
import type { Database } from "../storage/database";
import { clock } from "./clock.svelte";
import type { OwnDecision } from "./decisions";
import { Drafts } from "./drafts";

/** What a decision says beyond yes or no. */
export interface DecisionExtras {
  readonly reason?: string | undefined;
  readonly answers?: string | undefined;
  readonly interrupt?: boolean | undefined;
}

export interface NewSession {
  readonly projectId: string;
  readonly agent: string;
  readonly content: string;
  readonly mode: string | null;
  readonly model: string | null;
  readonly sandbox?: SandboxKind;
  readonly attachments?: string[];
  /** Begun in a terminal, to go on with. */
  readonly conversationId?: string;
  readonly effort?: string | null;
}

/** Everything about the paired machine, as the screens see it. Lives from pairing to un-pairing. */
export class Workspace {
  readonly paired: PairedMachine;
  readonly client: Client;
  readonly drafts: Drafts;
  readonly attachments: Attachments;
  readonly thumbnails: Thumbnails;
  readonly #door: Door;
  readonly #link: Link;
  readonly #outbox: Outbox;
  readonly #ledger: LedgerMemory;
  #ledgerWork: Promise<void> = Promise.resolve();
  #turnListeners = new Set<(agentSessionId: string, turn: TurnInfo) => void>();

  link = $state.raw<LinkState>({ kind: "stopped" });
  hello = $state.raw<HelloResponse | null>(null);
  /** False until the machine's state was read once: empty lists mean nothing before that. */
  loaded = $state(false);
  machine = $state.raw<MachineInfo | null>(null);
  projects = $state.raw<readonly ProjectInfo[]>([]);
  agents = $state.raw<readonly AgentInfo[]>([]);
  sessions = $state.raw<ReadonlyMap<string, SessionInfo>>(new Map());
  approvals = $state.raw<ReadonlyMap<string, ApprovalInfo>>(new Map());
  /** How often a project's repository was changed by a device since this page began, by project. */
  repositories = $state.raw<ReadonlyMap<string, number>>(new Map());
  /** How often a command of a project began or ended since this page began, by project. */
  commandRuns = $state.raw<ReadonlyMap<string, number>>(new Map());
  /** What git said last of a push, fetch or pull that runs, by project. */
  transfers = $state.raw<ReadonlyMap<string, string>>(new Map());
  devices = $state.raw<readonly DeviceInfo[] | null>(null);
  outbox = $state.raw<readonly OutboxItem[]>([]);
  alarm = $state.raw<LedgerAlarm | null>(null);
  head = $state.raw<LedgerHead | null>(null);
  /** Why the machine said it stops, until it is back. */
  stopping = $state.raw<string | null>(null);
  #settled = $state.raw<ReadonlyMap<string, OwnDecision>>(new Map());

  readonly #byAge = (a: ApprovalInfo, b: ApprovalInfo): number => Date.parse(a.requestedAt) - Date.parse(b.requestedAt);
  readonly pending = $derived([...this.approvals.values()].filter((approval) => approval.state === "pending").sort(this.#byAge));
  /** Allowed, may have run, outcome not known. */
  readonly unknowns = $derived([...this.approvals.values()].filter((approval) => approval.state === "unknown").sort(this.#byAge));
  readonly failures = $derived([...this.sessions.values()].filter((session) => session.state === "failed" && !session.archived));
  readonly refusedItems = $derived(this.outbox.filter((item) => item.state === "refused"));
  readonly inboxCount = $derived(this.pending.length + this.unknowns.length + this.failures.length + this.refusedItems.length);
  readonly online = $derived(this.link.kind === "online" || this.link.kind === "stale");

  constructor(door: Door, database: Database, paired: PairedMachine, app: string) {
    this.#door = door;
    this.paired = paired;
    this.drafts = new Drafts(database);
    this.#ledger = new LedgerMemory(database, paired.machineId);
    this.#link = new Link({
      openSocket: () => door.openSocket(paired.machineId),
      createTransport: () => door.connect(paired.machineId),
      hello: async () => ({ protocol: PROTOCOL_VERSION, app, signingKey: await door.signingKey() }),
    });
    this.client = new Client(this.#link);
    this.attachments = new Attachments(database, this.client);
    this.thumbnails = new Thumbnails(this.client);
    this.#outbox = new Outbox({
      database,
      machineId: paired.machineId,
      request: async (type, payload) => {
        await this.attachments.uploaded(filesOf(payload));
        return this.client.request(type, payload);
      },
      recorded: (item, response) => this.#recorded(item, response),
      refused: (item, error) => this.#refused(item, error),
      changed: (items) => (this.outbox = items),
    });
    this.#link.onState = (state) => this.#linkChanged(state);
    this.#link.onHello = (hello) => this.#greeted(hello);
    this.#link.onMessage = (envelope) => this.client.received(envelope);
    this.client.follow(
      { stream: "machine", event: (payload) => this.#machineEvent(payload as MachineEvent), reset: () => undefined },
      undefined,
      () => this.#readState(),
    );
  }

  async start(): Promise<void> {
    await this.#outbox.load();
    await this.attachments.load(this.outbox.flatMap((item) => filesOf(item.payload)));
    this.#link.start();
  }

  stop(): void {
    this.#link.stop();
    this.attachments.disconnected();
    this.#outbox.disconnected();
  }

  wake(): void {
    this.#link.wake();
  }

  can(scope: Scope): boolean {
    return this.hello?.scopes.includes(scope) ?? true; // unknown before the first hello; the machine checks anyway
  }

  project(projectId: string): ProjectInfo | undefined {
    return this.projects.find((project) => project.projectId === projectId);
  }

  agent(id: string): AgentInfo | undefined {
    return this.agents.find((agent) => agent.id === id);
  }

  /** A session heard which models its agent has: for the next one, which is chosen before its agent runs. */
  learnModels(id: string, models: readonly ModelInfo[], efforts: readonly string[] | null): void {
    if (models.length === 0 && !efforts) return;
    // An agent whose efforts are known beforehand keeps them: those of one model are not all.
    this.agents = this.agents.map((agent) => (agent.id === id
      ? { ...agent, knownModels: models.length > 0 ? [...models] : agent.knownModels, efforts: agent.efforts.length === 0 && efforts ? [...efforts] : agent.efforts }
      : agent));
  }

  /** This device's decision on an approval, when it made one. */
  ownDecision(approvalId: string): OwnDecision | null {
    const item = this.outbox.find((other) => other.type === "agent_prompt_response" && other.payload.approvalId === approvalId);
    if (item?.type === "agent_prompt_response") {
      const { decisionId, verdict, scope, answers = null } = item.payload;
      return { decisionId, verdict, scope, answers, state: item.state === "sent" ? "sent" : "saved", error: null };
    }
    return this.#settled.get(approvalId) ?? null;
  }

  /** Signs, stores and sends a decision. Does nothing when this device has already decided. */
  async decide(approval: ApprovalInfo, verdict: DecisionVerdict, scope: DecisionScope, extras: DecisionExtras = {}): Promise<void> {
    const earlier = this.ownDecision(approval.approvalId);
    if ((earlier && earlier.state !== "refused") || approval.state !== "pending" || this.#deciding.has(approval.approvalId)) return;
    this.#deciding.add(approval.approvalId);
    try {
      const decisionId = uuid7();
      const { approvalId, digest } = approval;
      const signature = await this.#door.signDecision({
        machineId: this.paired.machineId, approvalId, decisionId, digest, verdict, scope, reason: extras.reason ?? "", answers: extras.answers ?? "",
      });
      await this.#outbox.add(decisionId, {
        type: "agent_prompt_response",
        payload: {
          approvalId, decisionId, verdict, scope, digest, signature, reason: extras.reason ?? null, answers: extras.answers ?? null,
          interrupt: extras.interrupt ?? false,
        },
      });
    } finally {
      this.#deciding.delete(approval.approvalId);
    }
  }

  /** What undoing would do, now. */
  previewUndo(target: UndoTarget): Promise<SnapshotDiffResponse> {
    return this.client.request("snapshot_diff", { target });
  }

  /** Undoes exactly what was previewed; signed by this device. `force`: also what somebody else changed since. */
  async undo(preview: SnapshotDiffResponse, force: boolean): Promise<UndoInfo> {
    const undoId = uuid7();
    const { target, digest } = preview;
    const signature = await this.#door.signUndo({ machineId: this.paired.machineId, undoId, kind: target.kind, targetId: target.id, digest, force });
    return (await this.client.request("snapshot_undo", { undoId, target, digest, signature, force })).undo;
  }

  readonly #deciding = new Set<string>();
  readonly #goingOn = new Set<string>();

  /** Stores and sends a prompt. */
  async prompt(agentSessionId: string, content: string, attachments: string[] = []): Promise<void> {
    const promptId = uuid7();
    await this.#outbox.add(promptId, { type: "agent_message", payload: { agentSessionId, promptId, content, ...(attachments.length > 0 ? { attachments } : {}) } });
    await this.attachments.claimed(attachments);
  }

  /** Stores and sends words for the turn that runs; where it is over by then, they become a prompt. */
  async steer(agentSessionId: string, content: string): Promise<void> {
    const promptId = uuid7();
    await this.#outbox.add(promptId, { type: "agent_steer", payload: { agentSessionId, promptId, content } });
  }

  /** Goes on after a turn that was cut off, once however often it is pressed. */
  async continueTurn(agentSessionId: string, turnId: string): Promise<void> {
    if (this.#goingOn.has(turnId) || this.outbox.some((item) => item.type === "agent_continue" && item.payload.turnId === turnId && item.state !== "refused")) return;
    this.#goingOn.add(turnId);
    try {
      const promptId = uuid7();
      await this.#outbox.add(promptId, { type: "agent_continue", payload: { agentSessionId, turnId, promptId } });
    } finally {
      this.#goingOn.delete(turnId);
    }
  }

  /** Stores and sends a new session's first prompt; returns the session's id, known before the machine has heard of it. */
  async startSession(session: NewSession): Promise<string> {
    const agentSessionId = uuid7();
    const promptId = uuid7();
    await this.#outbox.add(promptId, { type: "agent_session_new", payload: { agentSessionId, promptId, ...session } });
    await this.attachments.claimed(session.attachments ?? []);
    return agentSessionId;
  }

  /** Stores and sends a copy of a session with its first prompt; returns the new session's id, known before the machine has heard of it. */
  async forkSession(agentSessionId: string, content: string, fromTurnId: string | null, attachments: string[] = []): Promise<string> {
    const newSessionId = uuid7();
    const promptId = uuid7();
    await this.#outbox.add(promptId, { type: "agent_session_fork", payload: { agentSessionId, newSessionId, promptId, content, fromTurnId, ...(attachments.length > 0 ? { attachments } : {}) } });
    await this.attachments.claimed(attachments);
    return newSessionId;
  }

  async discard(id: string): Promise<boolean> {
    const files = this.outbox.filter((item) => item.id === id).flatMap((item) => filesOf(item.payload));
    const discarded = await this.#outbox.discard(id);
    if (discarded) for (const file of files) await this.attachments.remove(file);
    return discarded;
  }

  retry(id: string): Promise<void> {
    return this.#outbox.retry(id);
  }

  /** Hears of turns that requests answered with, for the session that is open. */
  onTurn(listener: (agentSessionId: string, turn: TurnInfo) => void): () => void {
    this.#turnListeners.add(listener);
    return () => this.#turnListeners.delete(listener);
  }

  async readDevices(): Promise<void> {
    this.devices = (await this.client.request("devices_list", {})).devices;
  }

  async renameDevice(deviceId: string, name: string): Promise<void> {
    this.#putDevice((await this.client.request("device_rename", { deviceId, name })).device);
  }

  async revokeDevice(deviceId: string): Promise<void> {
    this.#putDevice((await this.client.request("device_revoke", { deviceId })).device);
  }

  /** The person looked into the alarm and goes on with the machine's present ledger. */
  async acceptLedger(): Promise<void> {
    const alarm = this.alarm;
    if (!alarm || alarm.kind === "bad_signature") return;
    await this.#ledger.accept(this.head ?? alarm.shown);
    this.alarm = null;
  }

  verifyHead(head: LedgerHead): Promise<boolean> {
    return this.#door.verifyHead(this.paired, head);
  }

  putSession(session: SessionInfo): void {
    const known = this.sessions.get(session.agentSessionId);
    if (known && Date.parse(known.updatedAt) > Date.parse(session.updatedAt)) return;
    this.sessions = new Map(this.sessions).set(session.agentSessionId, session);
  }

  putApproval(approval: ApprovalInfo): void {
    // What the one before said is not about this one.
    if (approval.subject.kind === "git" && this.transfers.has(approval.projectId) && approval.state !== "running") this.#said(approval.projectId, null);
    this.approvals = new Map(this.approvals).set(approval.approvalId, approval);
  }

  #linkChanged(state: LinkState): void {
    const was = this.online;
    this.link = state;
    if (state.kind === "online" && !was) {
      this.stopping = null;
      this.client.connected();
      this.attachments.connected();
      this.#outbox.connected();
    } else if (was && state.kind !== "online" && state.kind !== "stale") {
      this.client.disconnected();
      this.attachments.disconnected();
      this.#outbox.disconnected();
    }
  }

  #greeted(hello: HelloResponse): void {
    this.hello = hello;
    this.machine = hello.machine;
    clock.machineOffset = Date.parse(hello.now) - Date.now();
    this.#ledgerWork = this.#ledgerWork.then(() => this.#checkLedger(hello.ledger)).catch((error: unknown) => this.#ledgerFailed(error));
  }

  async #checkLedger(head: LedgerHead): Promise<void> {
    const result = await this.#ledger.check(
      head,
      (shown) => this.verifyHead(shown),
      (atSeq) => this.client.request("ledger_head", { atSeq }),
    );
    this.head = head;
    if ("shown" in result) this.alarm = result;
  }

  #headMoved(head: LedgerHead): void {
    this.#ledgerWork = this.#ledgerWork
      .then(async () => {
        if (this.alarm) return; // nothing is remembered on top of a ledger that failed its check
        this.alarm = await this.#ledger.advance(head, (shown) => this.verifyHead(shown));
        this.head = head;
      })
      .catch((error: unknown) => this.#ledgerFailed(error));
  }

  /** The connection went while checking: the next one checks again. Anything else is a bug worth a trace. */
  #ledgerFailed(error: unknown): void {
    if (!(error instanceof RequestError)) console.error(error);
  }

  async #readState(): Promise<{ epoch: string; seq: number }> {
    const state = await this.client.request("machine_state", {});
    this.machine = state.machine;
    this.projects = state.projects;
    this.agents = state.agents;
    this.sessions = new Map(state.sessions.map((session) => [session.agentSessionId, session]));
    // What is over stays in view. What waited here and is not in the answer was closed meanwhile: ask how.
    const known = [...this.approvals.values()];
    const listed = new Set(state.approvals.map((approval) => approval.approvalId));
    const gone = known.filter((approval) => isOpen(approval) && !listed.has(approval.approvalId)).map((approval) => approval.approvalId);
    this.approvals = new Map([...known.filter((approval) => !isOpen(approval)), ...state.approvals].map((approval) => [approval.approvalId, approval]));
    if (gone.length > 0) this.lookUp(gone);
    this.loaded = true;
    return state.cursor;
  }

  /** Reads what became of approvals that the machine's state does not list (any more): the newest 200 are to be had. */
  lookUp(approvalIds: readonly string[]): void {
    this.client.request("approvals_list", { pending: false }).then(
      ({ approvals }) => {
        for (const approval of approvals) if (approvalIds.includes(approval.approvalId)) this.putApproval(approval);
      },
      () => undefined, // the machine's stream tells changes as well, and the next look asks again
    );
  }

  #machineEvent(event: MachineEvent): void {
    switch (event.kind) {
      case "session":
        this.sessions = new Map(this.sessions).set(event.session.agentSessionId, event.session);
        break;
      case "session_removed": {
        const sessions = new Map(this.sessions);
        sessions.delete(event.agentSessionId);
        this.sessions = sessions;
        break;
      }
      case "approval":
        this.putApproval(event.approval);
        break;
      case "project":
        this.projects = [...this.projects.filter((project) => project.projectId !== event.project.projectId), event.project];
        break;
      case "project_removed":
        this.projects = this.projects.filter((project) => project.projectId !== event.projectId);
        break;
      case "device":
        this.#putDevice(event.device);
        break;
      case "ledger_head":
        this.#headMoved(event.head);
        break;
      case "machine":
        this.machine = event.machine;
        break;
      case "git":
        this.repositories = new Map(this.repositories).set(event.projectId, (this.repositories.get(event.projectId) ?? 0) + 1);
        break;
      case "command_run":
        this.commandRuns = new Map(this.commandRuns).set(event.projectId, (this.commandRuns.get(event.projectId) ?? 0) + 1);
        break;
      case "git_progress":
        this.#said(event.projectId, event.text);
        break;
      case "stopping":
        this.stopping = event.reason;
        break;
    }
  }

  #said(projectId: string, text: string | null): void {
    const transfers = new Map(this.transfers);
    if (text === null) transfers.delete(projectId);
    else transfers.set(projectId, text);
    this.transfers = transfers;
  }

  #putDevice(device: DeviceInfo): void {
    if (!this.devices) return;
    const known = this.devices.some((other) => other.deviceId === device.deviceId);
    this.devices = known ? this.devices.map((other) => (other.deviceId === device.deviceId ? device : other)) : [...this.devices, device];
  }

  #recorded(item: OutboxItem, response: Requests[OutboxItem["type"]]["response"]): void {
    if (item.type === "agent_prompt_response" && "approval" in response) {
      const { approvalId, decisionId, verdict, scope, answers = null } = item.payload;
      this.#settle(approvalId, { decisionId, verdict, scope, answers, state: "recorded", error: null });
      // The stream may have told more already (running, finished); the answer never takes that back.
      const known = this.approvals.get(approvalId);
      if (!known || known.state === "pending") this.putApproval(response.approval);
      return;
    }
    void this.attachments.forget(filesOf(item.payload));
    if ("session" in response) this.putSession(response.session);
    const session = sessionOf(item);
    if ("turn" in response && response.turn !== null && session !== null) {
      for (const listener of this.#turnListeners) listener(session, response.turn);
    }
  }

  #refused(item: OutboxItem, error: RequestError): void {
    if (item.type !== "agent_prompt_response") return;
    const { approvalId, decisionId, verdict, scope, answers = null } = item.payload;
    this.#settle(approvalId, { decisionId, verdict, scope, answers, state: "refused", error: { code: error.code, message: error.message } });
    this.lookUp([approvalId]);
  }

  #settle(approvalId: string, decision: OwnDecision): void {
    this.#settled = new Map(this.#settled).set(approvalId, decision);
  }
}

function filesOf(payload: OutboxItem["payload"]): readonly string[] {
  return "attachments" in payload ? (payload.attachments ?? []) : [];
}

/** Waits for a person, or is under way: its state here is worth nothing once the machine no longer lists it. */
function isOpen(approval: ApprovalInfo): boolean {
  return approval.state === "pending" || approval.state === "allowed" || approval.state === "running";
}
