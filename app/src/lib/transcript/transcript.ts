import type {
  AgentDeltaPayload,
  AgentEventPayload,
  ApprovalInfo,
  CommandInfo,
  FileDiff,
  ModelInfo,
  TodoItem,
  ToolUseEvent,
  TurnInfo,
  UsageInfo,
} from "../protocol/generated";
import { tailOf } from "../text/long";
import type { Item, ReadsRow, Row, ToolItem } from "./items";

/** A text of so many characters is taken for one with words: looking would join all its pieces for each frame. */
const LONG_BLANK = 1_000;

/**
 * Builds the transcript from a session's events (durable, in order) and live deltas (offset-addressed). Plain data, no reactivity: the
 * session store decides when views look at it.
 */
export class Transcript {
  #items: Item[] = [];
  readonly #places = new Map<string, number>();
  /** Key of the top-level item that holds a nested one. */
  readonly #parents = new Map<string, string>();
  readonly #turns = new Map<string, TurnInfo>();
  readonly #closedBlocks = new Set<string>();
  #earlier: ReadonlySet<string> = new Set();
  #lastInit = "";
  #todo: readonly TodoItem[] = [];
  #usage: UsageInfo | null = null;
  #order: readonly string[] = [];
  #commands: readonly CommandInfo[] = [];
  #models: readonly ModelInfo[] = [];
  #efforts: readonly string[] | null = null;
  readonly #jobs = new Map<string, ApprovalInfo>();

  get items(): readonly Item[] {
    return this.#items;
  }

  get todo(): readonly TodoItem[] {
    return this.#todo;
  }

  get usage(): UsageInfo | null {
    return this.#usage;
  }

  /** Commands in the background that run, oldest first. */
  get jobs(): readonly ApprovalInfo[] {
    return [...this.#jobs.values()];
  }

  /** Prompts that wait for their turn, in order. */
  get queue(): readonly TurnInfo[] {
    const place = (turn: TurnInfo): number => (this.#order.includes(turn.turnId) ? this.#order.indexOf(turn.turnId) : this.#order.length);
    return [...this.#turns.values()].filter((turn) => turn.state === "queued").sort((a, b) => place(a) - place(b));
  }

  /** Slash commands that the agent told. */
  get commands(): readonly CommandInfo[] {
    return this.#commands;
  }

  get models(): readonly ModelInfo[] {
    return this.#models;
  }

  get efforts(): readonly string[] | null {
    return this.#efforts;
  }

  /** The session's own turns, oldest first: not those of the one it was copied from. */
  get turns(): readonly TurnInfo[] {
    return [...this.#turns.values()].filter((turn) => !this.#earlier.has(turn.turnId));
  }

  get lastTurn(): TurnInfo | null {
    let last: TurnInfo | null = null;
    for (const turn of this.#turns.values())
      if (turn.startedAt !== null && Date.parse(turn.startedAt) >= Date.parse(last?.startedAt ?? turn.startedAt)) last = turn;
    return last;
  }

  turn(turnId: string): TurnInfo | undefined {
    return this.#turns.get(turnId);
  }

  clear(): void {
    this.#items = [];
    this.#places.clear();
    this.#parents.clear();
    this.#turns.clear();
    this.#closedBlocks.clear();
    this.#jobs.clear();
    this.#earlier = new Set();
    this.#lastInit = "";
    this.#todo = [];
    this.#usage = null;
    this.#order = [];
    this.#commands = [];
    this.#models = [];
    this.#efforts = null;
  }

  /** The ids of all that wait, in the order in which they will run. */
  applyOrder(promptIds: readonly string[]): void {
    this.#order = promptIds;
  }

  apply(event: AgentEventPayload, seq: number): void {
    const at = Date.parse(event.at);
    const parent = event.parentToolUseId;
    switch (event.kind) {
      case "turn":
        this.applyTurn(event.turn, at);
        break;
      case "init": {
        const setting = [event.agent, event.model, event.mode, event.sandbox].join("\n");
        // An agent tells its model a moment after its start: one line, not two. That it resumed is a notice of its own.
        const before = this.#items.at(-1);
        const key = before?.kind === "init" && before.init.agent === event.agent ? before.key : `init-${seq}`;
        if (setting !== this.#lastInit) this.#put({ kind: "init", key, at, init: event }, parent);
        this.#lastInit = setting;
        break;
      }
      case "text":
      case "thinking":
        this.#closedBlocks.add(event.blockId);
        this.#put(
          {
            kind: event.kind,
            key: `block-${event.blockId}`,
            at,
            blockId: event.blockId,
            text: event.text,
            live: false,
            ...(event.cut === true ? { cut: true } : {}),
          },
          parent,
        );
        break;
      case "tool_use":
        this.#toolUse(event, at);
        break;
      case "tool_result":
        this.#changeTool(event.toolUseId, at, parent, (tool) => ({ ...tool, result: event, live: "" }));
        break;
      case "file_create":
      case "file_edit":
        this.#fileChange(event.toolUseId, event.path, event.diff, at, parent);
        break;
      case "prompt":
        this.#approval(event.approval, at, parent);
        break;
      case "sent_file":
        this.#put({ kind: "file", key: `file-${event.fileId}`, at, file: event }, parent);
        break;
      case "steer":
        if (event.state === "queued")
          this.#remove(`steer-${event.promptId}`); // it is a prompt now
        else this.#put({ kind: "steer", key: `steer-${event.promptId}`, at, content: event.content, state: event.state }, null);
        break;
      case "queue":
        this.applyOrder(event.promptIds);
        break;
      case "offers":
        this.#commands = event.commands;
        this.#models = event.models;
        this.#efforts = event.efforts ?? null;
        break;
      case "todo":
        if (parent === null) this.#todo = event.items;
        break;
      case "usage":
        this.#usage = event.session;
        break;
      case "notice":
        this.#put({ kind: "notice", key: `notice-${seq}`, at, level: event.level, text: event.text }, parent);
        break;
      case "fork":
        this.#put(
          { kind: "fork", key: `fork-${seq}`, at, origin: event.originSessionId, title: event.originTitle, cut: event.cut },
          parent,
        );
        // What the other session was doing is not this one's, and its turns are no place to go back to here.
        this.#earlier = new Set(this.#turns.keys());
        this.#todo = [];
        this.#jobs.clear();
        break;
      case "imported":
        this.#put(
          {
            kind: "imported",
            key: `imported-${seq}`,
            at,
            who: event.who,
            text: event.text,
            saidAt: event.saidAt === null ? 0 : Date.parse(event.saidAt),
          },
          parent,
        );
        break;
      case "undo":
        this.#put({ kind: "undo", key: `undo-${event.undo.undoId}`, at, undo: event.undo }, parent);
        break;
      case "error":
        this.#put({ kind: "error", key: `error-${seq}`, at, message: event.message }, parent);
        break;
      case "done":
        this.#endLiveBlocks();
        break;
    }
  }

  /** A turn as it is now; also from answers to requests, which may be newer or older than the stream. */
  applyTurn(turn: TurnInfo, at: number): void {
    const known = this.#turns.get(turn.turnId);
    if (known && rank(known) > rank(turn)) return;
    this.#turns.set(turn.turnId, turn);
    if (turn.state === "queued") return;
    // Steps that are all done say nothing of the next turn.
    if ((known === undefined || known.state === "queued") && this.#todo.every((item) => item.state === "done")) this.#todo = [];
    if (turn.startedAt === null && turn.state === "cancelled") return; // taken out of the queue: never happened
    this.#put({ kind: "prompt", key: `turn-${turn.turnId}`, at: Date.parse(turn.createdAt), turn }, null);
    if (turn.state === "failed" || turn.state === "cancelled" || turn.state === "interrupted") {
      this.#put({ kind: "end", key: `end-${turn.turnId}`, at, outcome: turn.state, error: turn.error, turn }, null);
      this.#endLiveBlocks();
    }
  }

  /** False when text before this delta is missing. */
  applyDelta(delta: AgentDeltaPayload): boolean {
    const tool = this.#find(`tool-${delta.blockId}`);
    if (delta.kind === "output" || (delta.dropped && tool?.kind === "tool"))
      return this.#output(delta, tool?.kind === "tool" ? tool.live : "");
    if (this.#closedBlocks.has(delta.blockId)) return true;
    const key = `block-${delta.blockId}`;
    if (delta.dropped) {
      this.#remove(key);
      return true;
    }
    const known = this.#find(key);
    const have = known && (known.kind === "text" || known.kind === "thinking") ? known.text : "";
    if (delta.offset > have.length) return false;
    const fresh = delta.text.slice(have.length - delta.offset);
    if (fresh === "" && known) return true;
    this.#put(
      {
        kind: delta.kind,
        key,
        at: known?.at ?? 0,
        blockId: delta.blockId,
        text: have + fresh,
        live: true,
        tail: tailOf((known?.kind === delta.kind ? (known.tail ?? known.text) : "") + fresh),
      },
      delta.parentToolUseId ?? null,
    );
    return true;
  }

  /** The id of a block of output is that of the tool call. */
  #output(delta: AgentDeltaPayload, have: string): boolean {
    if (!delta.dropped && delta.offset > have.length) return false;
    const live = delta.dropped ? "" : have + delta.text.slice(have.length - delta.offset);
    this.#changeTool(delta.blockId, 0, delta.parentToolUseId ?? null, (tool) => ({ ...tool, live }));
    return true;
  }

  /** The rows to draw: runs of two or more reads folded, empty blocks left out. */
  rows(): Row[] {
    return foldReads(this.#items);
  }

  #toolUse(event: ToolUseEvent, at: number): void {
    const key = `tool-${event.toolUseId}`;
    const known = this.#find(key);
    const waiting = this.#find(`approval-of-${event.toolUseId}`);
    const before = known?.kind === "tool" ? known : null;
    this.#put(
      {
        kind: "tool",
        key,
        at,
        toolUseId: event.toolUseId,
        tool: event.tool,
        category: event.category,
        title: event.title,
        input: event.input,
        inputTruncated: event.inputTruncated,
        result: before?.result ?? null,
        diff: before?.diff ?? null,
        path: before?.path ?? null,
        approval: before?.approval ?? (waiting?.kind === "approval" ? waiting.approval : null),
        live: before?.live ?? "",
        children: before?.children ?? [],
      },
      event.parentToolUseId,
    );
    if (waiting) this.#remove(waiting.key);
  }

  #fileChange(toolUseId: string, path: string, diff: FileDiff | null, at: number, parent: string | null): void {
    this.#changeTool(toolUseId, at, parent, (tool) => ({
      ...tool,
      path,
      diff,
      ...(tool.tool === "" ? { category: "edit" as const, title: path } : {}),
    }));
  }

  #approval(approval: ApprovalInfo, at: number, parent: string | null): void {
    if (approval.execution?.job && approval.state === "running") this.#jobs.set(approval.approvalId, approval);
    else this.#jobs.delete(approval.approvalId);
    const tool = approval.toolUseId === null ? undefined : this.#find(`tool-${approval.toolUseId}`);
    if (tool?.kind === "tool") {
      this.#put({ ...tool, approval }, parent);
      return;
    }
    const key = approval.toolUseId === null ? `approval-${approval.approvalId}` : `approval-of-${approval.toolUseId}`;
    this.#put({ kind: "approval", key, at, approval }, parent);
  }

  /** Changes a tool's item; makes a bare one when its call was never seen (the stream began after it). */
  #changeTool(toolUseId: string, at: number, parent: string | null, change: (tool: ToolItem) => ToolItem): void {
    const key = `tool-${toolUseId}`;
    const known = this.#find(key);
    const tool: ToolItem =
      known?.kind === "tool"
        ? known
        : {
            kind: "tool",
            key,
            at,
            toolUseId,
            tool: "",
            category: "other",
            title: "",
            input: "",
            inputTruncated: false,
            result: null,
            diff: null,
            path: null,
            approval: null,
            live: "",
            children: [],
          };
    this.#put(change(tool), parent);
  }

  #find(key: string): Item | undefined {
    const parentKey = this.#parents.get(key);
    if (parentKey === undefined) return this.#items[this.#places.get(key) ?? -1];
    const parent = this.#items[this.#places.get(parentKey) ?? -1];
    return parent?.kind === "tool" ? parent.children.find((child) => child.key === key) : undefined;
  }

  /** Replaces the item of that key, or adds it at the end (of its sub-agent's thread, when it has one). */
  #put(item: Item, parentToolUseId: string | null): void {
    const place = this.#places.get(item.key);
    if (place !== undefined) {
      this.#items[place] = item;
      return;
    }
    // What is in a sub-agent's thread stays there, also when a later event of it does not name the sub-agent: an approval's does not. Sub-agents of sub-agents are shown in the outermost one's thread.
    const direct = parentToolUseId === null ? undefined : `tool-${parentToolUseId}`;
    const parentKey = this.#parents.get(item.key) ?? (direct === undefined ? undefined : (this.#parents.get(direct) ?? direct));
    const parentPlace = parentKey === undefined ? undefined : this.#places.get(parentKey);
    const parent = parentPlace === undefined ? undefined : this.#items[parentPlace];
    if (parentKey !== undefined && parentPlace !== undefined && parent?.kind === "tool") {
      const known = this.#parents.has(item.key);
      const children = known ? parent.children.map((child) => (child.key === item.key ? item : child)) : [...parent.children, item];
      this.#parents.set(item.key, parentKey);
      this.#items[parentPlace] = { ...parent, children };
      return;
    }
    this.#places.set(item.key, this.#items.length);
    this.#items.push(item);
  }

  #remove(key: string): void {
    const parentKey = this.#parents.get(key);
    if (parentKey !== undefined) {
      this.#parents.delete(key);
      const place = this.#places.get(parentKey);
      const parent = place === undefined ? undefined : this.#items[place];
      if (place !== undefined && parent?.kind === "tool")
        this.#items[place] = { ...parent, children: parent.children.filter((child) => child.key !== key) };
      return;
    }
    const place = this.#places.get(key);
    if (place === undefined) return;
    this.#items.splice(place, 1);
    this.#places.delete(key);
    for (let i = place; i < this.#items.length; i++) {
      const item = this.#items[i];
      if (item) this.#places.set(item.key, i);
    }
  }

  /** The turn is over: whatever was being written will not go on. */
  #endLiveBlocks(): void {
    for (let i = this.#items.length - 1; i >= 0; i--) {
      const item = this.#items[i];
      if (!item || item.kind === "prompt") break;
      if ((item.kind === "text" || item.kind === "thinking") && item.live) this.#items[i] = { ...item, live: false };
    }
  }
}

/** How far a turn has come: a later state never goes back to an earlier one. */
function rank(turn: TurnInfo): number {
  return turn.finishedAt !== null ? 2 : turn.startedAt !== null ? 1 : 0;
}

export function foldReads(items: readonly Item[]): Row[] {
  const rows: Row[] = [];
  let run: ToolItem[] = [];
  const flush = (): void => {
    const [first] = run;
    if (first && run.length > 1) rows.push({ kind: "reads", key: `reads-${first.key}`, at: first.at, items: run } satisfies ReadsRow);
    else if (first) rows.push(first);
    run = [];
  };
  for (const item of items) {
    if (
      item.kind === "tool" &&
      (item.category === "read" || item.category === "search") &&
      item.approval === null &&
      item.result?.failed !== true
    ) {
      run.push(item);
      continue;
    }
    if (item.kind === "tool" && item.category === "todo" && item.approval === null) continue; // the pinned list shows it
    if ((item.kind === "text" || item.kind === "thinking") && item.text.length < LONG_BLANK && item.text.trim() === "") continue;
    flush();
    rows.push(item);
  }
  flush();
  return rows;
}
