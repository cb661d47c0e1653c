import type {
  AgentInfo,
  ApprovalInfo,
  CloneInfo,
  DecisionScope,
  DecisionVerdict,
  DeviceInfo,
  HelloResponse,
  LedgerHead,
  MachineEvent,
  MachineInfo,
  ModelInfo,
  ProjectInfo,
  Requests,
  RiskTier,
  Scope,
  SessionInfo,
  SnapshotDiffResponse,
  TurnInfo,
  SandboxKind,
  UndoInfo,
  UndoTarget,
} from "../protocol/generated";
import { Attachments } from "../attachments/attachments.svelte";
import { Thumbnails } from "../attachments/look";
import { Client } from "../client/client";
import { RequestError } from "../client/errors";
import { uuid7 } from "../ids/uuid7";
import type { LedgerAlarm } from "../ledger/memory";
import type { Door, Letterbox, PairedMachine } from "../link/door";
import { Link, type LinkState, PROTOCOL_VERSION } from "../link/link";
import { Outbox, type OutboxItem, sessionOf } from "../outbox/outbox";
import type { Database, MachineStorage } from "../storage/database";
import { keepFilter } from "../sessions/list";
import { OfflineCopy } from "../storage/offline-copy";
import { clock } from "./clock.svelte";
import { byUrgency, type OwnDecision } from "./decisions";
import { Drafts } from "./drafts";
import { ProviderKeys } from "./keys.svelte";
import { LedgerWatch } from "./ledger-watch.svelte";
import { type DecisionExtras, OwnDecisions } from "./own-decisions.svelte";
import { FIRST_PAGE, SessionList } from "./session-list.svelte";

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
  /** Beneath the project's root; left out: the root. */
  readonly folder?: string;
}

/** The machine's lists as they are kept on the device. What waits for a decision is not among them: that is decided on only as the machine says it. */
interface KeptState {
  readonly machine: MachineInfo | null;
  readonly projects: readonly ProjectInfo[];
  readonly agents: readonly AgentInfo[];
  readonly sessions: readonly SessionInfo[];
  readonly scopes: readonly Scope[] | null;
  /** Null: no limit, or the copy is of an earlier version. */
  readonly tier?: RiskTier | null;
}

/** Sessions kept, the newest; and how long changes are gathered before they are written. */
const KEPT_SESSIONS = 300;
const KEEP_AFTER_MS = 2000;
/** A machine that is gone for so long is away: a connection that changes networks comes back sooner. And when to try again what failed. */
const AWAY_MS = 8_000;
const AGAIN_MS = 60_000;

/** Everything about the paired machine, as the screens see it. Lives from pairing to un-pairing. */
export class Workspace {
  readonly paired: PairedMachine;
  /** What this device keeps for the machine. */
  readonly storage: MachineStorage;
  readonly client: Client;
  readonly drafts: Drafts;
  readonly attachments: Attachments;
  readonly thumbnails: Thumbnails;
  readonly copy: OfflineCopy;
  readonly keys: ProviderKeys;
  readonly #door: Door;
  readonly #link: Link;
  readonly #outbox: Outbox;
  readonly #ledger: LedgerWatch;
  readonly #sessions: SessionList;
  readonly #decisions: OwnDecisions;
  #turnListeners = new Set<(agentSessionId: string, turn: TurnInfo) => void>();

  link = $state.raw<LinkState>({ kind: "stopped" });
  hello = $state.raw<HelloResponse | null>(null);
  /** False until the machine's state was read once: empty lists mean nothing before that. */
  loaded = $state(false);
  /** When what is shown was read, while it is a copy from this device; null: it is the machine's, or there is none. */
  asOf = $state<number | null>(null);
  /** There are lists to show: the machine's, or a copy. */
  readonly known = $derived(this.loaded || this.asOf !== null);
  #keptScopes = $state.raw<readonly Scope[] | null>(null);
  #keptTier = $state.raw<RiskTier | null>(null);
  #keeping: ReturnType<typeof setTimeout> | null = null;
  #leaving: ReturnType<typeof setTimeout> | null = null;
  #stopped = true;
  machine = $state.raw<MachineInfo | null>(null);
  projects = $state.raw<readonly ProjectInfo[]>([]);
  agents = $state.raw<readonly AgentInfo[]>([]);
  approvals = $state.raw<ReadonlyMap<string, ApprovalInfo>>(new Map());
  /** How often a project's repository was changed by a device since this page began, by project. */
  repositories = $state.raw<ReadonlyMap<string, number>>(new Map());
  /** How often a command of a project began or ended since this page began, by project. */
  commandRuns = $state.raw<ReadonlyMap<string, number>>(new Map());
  /** What git said last of a push, fetch or pull that runs, by project. */
  transfers = $state.raw<ReadonlyMap<string, string>>(new Map());
  /** What the machine last said of a clone. */
  clone = $state.raw<CloneInfo | null>(null);
  devices = $state.raw<readonly DeviceInfo[] | null>(null);
  outbox = $state.raw<readonly OutboxItem[]>([]);
  /** Why the machine said it stops, until it is back. */
  stopping = $state.raw<string | null>(null);

  readonly #byAge = (a: ApprovalInfo, b: ApprovalInfo): number => Date.parse(a.requestedAt) - Date.parse(b.requestedAt);
  readonly pending = $derived([...this.approvals.values()].filter((approval) => approval.state === "pending").sort(byUrgency));
  /** Allowed, may have run, outcome not known. */
  readonly unknowns = $derived([...this.approvals.values()].filter((approval) => approval.state === "unknown").sort(this.#byAge));
  readonly failures = $derived([...this.sessions.values()].filter((session) => session.state === "failed" && !session.archived));
  readonly refusedItems = $derived(this.outbox.filter((item) => item.state === "refused"));
  readonly inboxCount = $derived(this.pending.length + this.unknowns.length + this.failures.length + this.refusedItems.length);
  readonly online = $derived(this.link.kind === "online" || this.link.kind === "stale");
  readonly working = $derived([...this.sessions.values()].filter((session) => session.state === "working").length);
  /** What people call the machine. Its own word: two may bear the same name. */
  readonly name: string = $derived.by(() => this.machine?.name ?? this.paired.name);
  /** What to add to this device's clock to get the machine's, milliseconds: countdowns are honest although a clock is off. */
  clockOffset = $state(0);

  constructor(door: Door, database: Database, paired: PairedMachine, app: string) {
    this.#door = door;
    this.paired = paired;
    this.storage = database.of(paired.machineId);
    this.drafts = new Drafts(this.storage);
    this.copy = new OfflineCopy(this.storage, paired.machineId);
    this.#link = new Link({
      openSocket: () => door.openSocket(paired.machineId),
      createTransport: () => door.connect(paired.machineId),
      hello: async () => ({ protocol: PROTOCOL_VERSION, app, signingKey: await door.signingKey() }),
    });
    this.client = new Client(this.#link);
    this.#ledger = new LedgerWatch(
      this.storage,
      (head) => this.verifyHead(head),
      (atSeq, remembered) => this.client.request("ledger_head", { atSeq, remembered }),
    );
    this.#sessions = new SessionList({ client: this.client, online: () => this.online, complete: (ids) => this.#listed(ids) });
    this.keys = new ProviderKeys(this.client, this.storage, () => (this.hello ? this.machine : null));
    this.attachments = new Attachments(this.storage, this.client);
    this.thumbnails = new Thumbnails(this.client);
    this.#outbox = new Outbox({
      database: this.storage,
      machineId: paired.machineId,
      request: async (type, payload) => {
        await this.attachments.uploaded(filesOf(payload));
        return this.client.request(type, payload);
      },
      recorded: (item, response) => this.#recorded(item, response),
      refused: (item, error) => this.#refused(item, error),
      changed: (items) => {
        this.outbox = items;
        this.#leaveSoon(AWAY_MS);
      },
    });
    this.#decisions = new OwnDecisions({
      machineId: paired.machineId,
      sign: (fields) => door.signDecision(fields),
      outbox: () => this.outbox,
      send: (id, item) => this.#outbox.add(id, item),
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
    void this.#showCopy(); // the connection does not wait for it
    void this.keys.load();
    await this.#outbox.load();
    await this.attachments.load(this.outbox.flatMap((item) => filesOf(item.payload)));
    this.#stopped = false;
    this.#leaveSoon(AWAY_MS);
    this.#link.start();
  }

  stop(): void {
    if (this.#keeping !== null) clearTimeout(this.#keeping);
    this.#keeping = null;
    this.#link.stop();
    this.attachments.disconnected();
    this.#outbox.disconnected();
    this.#stopped = true;
    if (this.#leaving !== null) clearTimeout(this.#leaving);
    this.#leaving = null;
  }

  get sessions(): ReadonlyMap<string, SessionInfo> {
    return this.#sessions.all;
  }

  /** All sessions were read, not only the first page of them: one that is not in `sessions` is not on the machine. */
  get listed(): boolean {
    return this.#sessions.complete;
  }

  get alarm(): LedgerAlarm | null {
    return this.#ledger.alarm;
  }

  get head(): LedgerHead | null {
    return this.#ledger.head;
  }

  get machineId(): string {
    return this.paired.machineId;
  }

  /** The machine's clock, moved once a second. */
  get now(): number {
    return clock.now + this.clockOffset;
  }

  /** Something else of this device, a notification, put a decision into the outbox. */
  async resend(): Promise<void> {
    await this.#outbox.load();
  }

  /** Ends it and deletes all that this device keeps for the machine; what is still under way writes nothing more. */
  async erase(): Promise<void> {
    this.stop();
    await this.copy.clear();
    await this.storage.drop();
    keepFilter(this.machineId, "all");
  }

  wake(): void {
    this.#link.wake();
  }

  can(scope: Scope): boolean {
    return (this.hello?.scopes ?? this.#keptScopes)?.includes(scope) ?? true; // unknown before the first hello; the machine checks anyway
  }

  /** It prompts and decides, and runs or changes nothing itself: the owner gave this device a tier, or two people must allow what is risky. */
  get approvalsOnly(): boolean {
    return (this.hello ? (this.hello.tier ?? null) : this.#keptTier) !== null || this.machine?.twoPeople === true;
  }

  /** It may run and change things itself: terminals, commands, files, git, undo. */
  get acts(): boolean {
    return this.can("decide") && !this.approvalsOnly;
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
    this.agents = this.agents.map((agent) =>
      agent.id === id
        ? {
            ...agent,
            knownModels: models.length > 0 ? [...models] : agent.knownModels,
            efforts: agent.efforts.length === 0 && efforts ? [...efforts] : agent.efforts,
          }
        : agent,
    );
  }

  /** This device's decision on an approval, when it made one. */
  ownDecision(approvalId: string): OwnDecision | null {
    return this.#decisions.on(approvalId);
  }

  /** Signs, stores and sends a decision. Does nothing when this device has already decided. */
  decide(approval: ApprovalInfo, verdict: DecisionVerdict, scope: DecisionScope, extras: DecisionExtras = {}): Promise<void> {
    return this.#decisions.decide(approval, verdict, scope, extras);
  }

  /** What undoing would do, now. */
  previewUndo(target: UndoTarget): Promise<SnapshotDiffResponse> {
    return this.client.request("snapshot_diff", { target });
  }

  /** Undoes exactly what was previewed; signed by this device. `force`: also what somebody else changed since. */
  async undo(preview: SnapshotDiffResponse, force: boolean): Promise<UndoInfo> {
    const undoId = uuid7();
    const { target, digest } = preview;
    const signature = await this.#door.signUndo({
      machineId: this.paired.machineId,
      undoId,
      kind: target.kind,
      targetId: target.id,
      digest,
      force,
    });
    return (await this.client.request("snapshot_undo", { undoId, target, digest, signature, force })).undo;
  }

  readonly #goingOn = new Set<string>();

  /** Stores and sends a prompt. */
  async prompt(agentSessionId: string, content: string, attachments: string[] = []): Promise<void> {
    const promptId = uuid7();
    await this.#outbox.add(promptId, {
      type: "agent_message",
      payload: { agentSessionId, promptId, content, ...(attachments.length > 0 ? { attachments } : {}) },
    });
    await this.attachments.claimed(attachments);
  }

  /** Stores and sends words for the turn that runs; where it is over by then, they become a prompt. */
  async steer(agentSessionId: string, content: string): Promise<void> {
    const promptId = uuid7();
    await this.#outbox.add(promptId, { type: "agent_steer", payload: { agentSessionId, promptId, content } });
  }

  /** Goes on after a turn that was cut off, once however often it is pressed. */
  async continueTurn(agentSessionId: string, turnId: string): Promise<void> {
    if (
      this.#goingOn.has(turnId) ||
      this.outbox.some((item) => item.type === "agent_continue" && item.payload.turnId === turnId && item.state !== "refused")
    )
      return;
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
    await this.#outbox.add(promptId, {
      type: "agent_session_fork",
      payload: { agentSessionId, newSessionId, promptId, content, fromTurnId, ...(attachments.length > 0 ? { attachments } : {}) },
    });
    await this.attachments.claimed(attachments);
    return newSessionId;
  }

  /** Takes back what was not sent. What was left at the gateway is taken back there first. False: the machine has it, or nobody knows. */
  async discard(id: string): Promise<boolean> {
    const left = this.outbox.find((item) => item.id === id && item.leftUntil !== undefined);
    if (left && !(await this.#withdraw(left))) return false;
    const files = this.outbox.filter((item) => item.id === id).flatMap((item) => filesOf(item.payload));
    const discarded = await this.#outbox.discard(id);
    if (discarded && left) await this.#outbox.add(uuid7(), { type: "letters_withdraw", payload: { letterIds: [id] } }); // a gateway may have kept it
    if (discarded) for (const file of files) await this.attachments.remove(file);
    return discarded;
  }

  async #withdraw(item: OutboxItem): Promise<boolean> {
    const box = this.#door.letterbox();
    if (box === null) return false;
    const { withdraw } = await import("../outbox/letters");
    return withdraw(item, await box);
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
  acceptLedger(): Promise<void> {
    return this.#ledger.accept();
  }

  verifyHead(head: LedgerHead): Promise<boolean> {
    return this.#door.verifyHead(this.paired, head);
  }

  /** Changes a session's settings or marks. */
  async setSession(agentSessionId: string, change: Omit<Requests["agent_session_set"]["request"], "agentSessionId">): Promise<void> {
    this.putSession((await this.client.request("agent_session_set", { agentSessionId, ...change })).session);
  }

  /** The person saw a session up to an event; null: up to its last one. */
  async seeSession(agentSessionId: string, seq: number | null): Promise<void> {
    const seen = seq ?? this.sessions.get(agentSessionId)?.head ?? 0;
    await this.client.request("agent_session_seen", { agentSessionId, seq: seen });
  }

  /** Deletes a session for good, here too. False: the machine has some of its files until it starts next. */
  async deleteSession(agentSessionId: string): Promise<boolean> {
    const { complete } = await this.client.request("agent_session_delete", { agentSessionId });
    this.#forgetSession(agentSessionId);
    return complete;
  }

  putSession(session: SessionInfo): void {
    this.#sessions.answered(session);
  }

  putApproval(approval: ApprovalInfo): void {
    // What the one before said is not about this one.
    if (approval.subject.kind === "git" && this.transfers.has(approval.projectId) && approval.state !== "running")
      this.#said(approval.projectId, null);
    this.approvals = new Map(this.approvals).set(approval.approvalId, approval);
  }

  #linkChanged(state: LinkState): void {
    const was = this.online;
    this.link = state;
    if (state.kind === "revoked") void this.#forgetCopy();
    if (state.kind === "online" && !was) {
      this.stopping = null;
      this.client.connected();
      this.#sessions.goOn();
      this.attachments.connected();
      this.#outbox.connected();
    } else if (was && state.kind !== "online" && state.kind !== "stale") {
      this.client.disconnected();
      this.attachments.disconnected();
      this.#outbox.disconnected();
      this.#leaveSoon(AWAY_MS);
    }
  }

  /** A machine that is away finds at the gateway what waits here, sealed. */
  #leaveSoon(ms: number): void {
    const away = (): boolean => !this.#stopped && (this.link.kind === "offline" || this.link.kind === "connecting");
    if (this.#leaving !== null || !away() || this.outbox.every((item) => item.leftUntil !== undefined)) return;
    this.#leaving = setTimeout(() => {
      const box = this.#door.letterbox();
      const left = away() && box !== null ? this.#leave(box, away) : Promise.resolve();
      void left
        .catch(() => AGAIN_MS) // no network, or the gateway takes no more: it goes out with the next connection in any case
        .then((again) => {
          this.#leaving = null;
          if (again) this.#leaveSoon(again);
        });
    }, ms);
  }

  async #leave(box: Promise<Letterbox>, away: () => boolean): Promise<void> {
    const { leaveAll } = await import("../outbox/letters");
    await leaveAll(this.machineId, this.#outbox, this.#door, await box, away);
  }

  #greeted(hello: HelloResponse): void {
    this.hello = hello;
    this.machine = hello.machine;
    this.keys.begin();
    this.clockOffset = Date.parse(hello.now) - Date.now();
    this.#ledger.greeted(hello.ledger);
  }

  async #readState(): Promise<{ epoch: string; seq: number }> {
    const state = await this.client.request("machine_state", { sessions: FIRST_PAGE, archived: true });
    this.machine = state.machine;
    this.projects = state.projects;
    this.agents = state.agents;
    this.#sessions.firstPage(state.sessions, state.nextSessions ?? null);
    // What is over stays in view. What waited here and is not in the answer was closed meanwhile: ask how.
    const known = [...this.approvals.values()];
    const listed = new Set(state.approvals.map((approval) => approval.approvalId));
    const gone = known.filter((approval) => isOpen(approval) && !listed.has(approval.approvalId)).map((approval) => approval.approvalId);
    this.approvals = new Map(
      [...known.filter((approval) => !isOpen(approval)), ...state.approvals].map((approval) => [approval.approvalId, approval]),
    );
    if (gone.length > 0) this.lookUp(gone);
    this.loaded = true;
    this.asOf = null;
    this.#keepSoon();
    return state.cursor;
  }

  /** Shows what was read before, until the machine says how it is now. */
  async #showCopy(): Promise<void> {
    const kept = await this.copy.read<KeptState>("state");
    if (!kept || this.loaded || this.link.kind === "revoked") return;
    this.machine ??= kept.value.machine;
    this.projects = kept.value.projects;
    this.agents = kept.value.agents;
    this.#sessions.shown(kept.value.sessions);
    this.#keptScopes = kept.value.scopes;
    this.#keptTier = kept.value.tier ?? null;
    this.asOf = kept.at;
  }

  /** The machine said that this device is out: what it had read goes with the right to read it. */
  async #forgetCopy(): Promise<void> {
    if (this.#keeping !== null) clearTimeout(this.#keeping);
    await this.copy.clear();
    if (this.loaded) return;
    this.projects = [];
    this.agents = [];
    this.#sessions.shown([]);
    this.asOf = null;
  }

  #keepSoon(): void {
    this.#keeping ??= setTimeout(() => void this.keep(), KEEP_AFTER_MS);
  }

  /** Writes the copy now: changes were gathered long enough, or the page may go away. */
  async keep(): Promise<void> {
    if (this.#keeping !== null) clearTimeout(this.#keeping);
    this.#keeping = null;
    if (!this.loaded) return;
    const sessions = [...this.sessions.values()].sort((a, b) => Date.parse(b.updatedAt) - Date.parse(a.updatedAt)).slice(0, KEPT_SESSIONS);
    await this.copy.keepState({
      machine: this.machine,
      projects: this.projects,
      agents: this.agents,
      sessions,
      scopes: this.hello?.scopes ?? null,
      tier: this.hello?.tier ?? null,
    } satisfies KeptState);
  }

  /** What is not listed was deleted while this device was away: its conversation goes from here too. */
  #listed(ids: readonly string[]): void {
    void this.copy.keepSessions(ids);
    this.#keepSoon();
  }

  /** It is gone from the machine. */
  #forgetSession(agentSessionId: string): void {
    this.#sessions.removed(agentSessionId);
    void this.copy.dropSession(agentSessionId);
    this.drafts.write(agentSessionId, "");
    this.#keepSoon();
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
    this.#keepSoon();
    switch (event.kind) {
      case "session":
        this.#sessions.heard(event.session);
        break;
      case "session_removed": {
        this.#forgetSession(event.agentSessionId);
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
        this.#ledger.moved(event.head);
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
      case "clone":
        this.clone = event.cloning;
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
    if (device.deviceId === this.hello?.deviceId) this.hello = { ...this.hello, tier: device.tier ?? null };
    if (!this.devices) return;
    const known = this.devices.some((other) => other.deviceId === device.deviceId);
    this.devices = known ? this.devices.map((other) => (other.deviceId === device.deviceId ? device : other)) : [...this.devices, device];
  }

  #recorded(item: OutboxItem, response: Requests[OutboxItem["type"]]["response"]): void {
    if (item.type === "agent_prompt_response" && "approval" in response) {
      const { approvalId } = item.payload;
      this.#decisions.recorded(item);
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
    this.#decisions.refused(item, error);
    this.lookUp([item.payload.approvalId]);
  }
}

function filesOf(payload: OutboxItem["payload"]): readonly string[] {
  return "attachments" in payload ? (payload.attachments ?? []) : [];
}

/** Waits for a person, or is under way: its state here is worth nothing once the machine no longer lists it. */
function isOpen(approval: ApprovalInfo): boolean {
  return approval.state === "pending" || approval.state === "allowed" || approval.state === "running";
}
