import type {
  ApprovalInfo,
  FileDiff,
  ImportedSpeaker,
  InitEvent,
  NoticeLevel,
  SentFileEvent,
  ToolCategory,
  ToolResultEvent,
  TurnInfo,
  TurnState,
  SteerState,
  UndoInfo,
} from "../protocol/generated";

/** What a transcript is made of. Items are never changed in place: a change makes a new object under the same key, so that views see it. */
export type Item =
  | PromptItem
  | SteerItem
  | BlockItem
  | ToolItem
  | ApprovalItem
  | FileItem
  | NoticeItem
  | ForkItem
  | UndoItem
  | ErrorItem
  | InitItem
  | EndItem
  | ImportedItem;

interface Base {
  readonly key: string;
  /** On the machine's clock, milliseconds; 0 when unknown (live text). */
  readonly at: number;
}

export interface PromptItem extends Base {
  readonly kind: "prompt";
  readonly turn: TurnInfo;
}

/** What a person said into a running turn. */
export interface SteerItem extends Base {
  readonly kind: "steer";
  readonly content: string;
  readonly state: SteerState;
}

export interface BlockItem extends Base {
  readonly kind: "text" | "thinking";
  readonly blockId: string;
  readonly text: string;
  /** Still being written. */
  readonly live: boolean;
  /** The agent did not finish it: this is what was seen of it. */
  readonly cut?: boolean;
  /** The end of a text that is still being written: what is drawn of a long one, since joining and reading all of it for each frame takes ever longer. */
  readonly tail?: string;
}

export interface ToolItem extends Base {
  readonly kind: "tool";
  readonly toolUseId: string;
  readonly tool: string;
  readonly category: ToolCategory;
  readonly title: string;
  readonly input: string;
  readonly inputTruncated: boolean;
  readonly result: ToolResultEvent | null;
  readonly diff: FileDiff | null;
  readonly path: string | null;
  readonly approval: ApprovalInfo | null;
  /** What a command of the machine's has written so far, while it runs. */
  readonly live: string;
  /** What a sub-agent did under this call. */
  readonly children: readonly Item[];
}

export interface ApprovalItem extends Base {
  readonly kind: "approval";
  readonly approval: ApprovalInfo;
}

/** A file that the agent sent. */
export interface FileItem extends Base {
  readonly kind: "file";
  readonly file: SentFileEvent;
}

export interface NoticeItem extends Base {
  readonly kind: "notice";
  readonly level: NoticeLevel;
  readonly text: string;
}

/** Where the session was copied from. */
export interface ForkItem extends Base {
  readonly kind: "fork";
  readonly origin: string;
  readonly title: string;
  readonly cut: boolean;
}

/** Said in a terminal before the session began. */
export interface ImportedItem extends Base {
  readonly kind: "imported";
  readonly who: ImportedSpeaker;
  readonly text: string;
  /** Milliseconds, as the agent wrote it down; 0: it did not. */
  readonly saidAt: number;
}

export interface UndoItem extends Base {
  readonly kind: "undo";
  readonly undo: UndoInfo;
}

export interface ErrorItem extends Base {
  readonly kind: "error";
  readonly message: string;
}

export interface InitItem extends Base {
  readonly kind: "init";
  readonly init: InitEvent;
}

/** A turn that ended otherwise than completed. */
export interface EndItem extends Base {
  readonly kind: "end";
  readonly outcome: TurnState;
  readonly error: string | null;
  readonly turn: TurnInfo | null;
}

/** What the list draws: an item, or a run of reads folded into one line. */
export type Row = Item | ReadsRow;

export interface ReadsRow {
  readonly kind: "reads";
  readonly key: string;
  readonly at: number;
  readonly items: readonly ToolItem[];
}
