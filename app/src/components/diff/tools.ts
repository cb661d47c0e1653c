import type { ShownHunk, ShownLine } from "$lib/text/diff-blocks";

/** What can be done with the lines of a change, where something can. */
export interface LineTools {
  /** Changed lines are being chosen. */
  readonly choosing: boolean;
  chosen(hunk: ShownHunk, line: ShownLine): boolean;
  choose(hunk: ShownHunk, line: ShownLine): void;
  comment(line: ShownLine): void;
  chooseLabel(line: number): string;
  commentLabel(line: number): string;
}
