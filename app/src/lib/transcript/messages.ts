import type { Row } from "./items";

/** A message of a conversation that something can be done with: copied, quoted, sent again. */
export interface Message {
  readonly own: boolean;
  readonly text: string;
  /** On the machine's clock, milliseconds; 0: unknown. */
  readonly at: number;
  /** The turn that it began; null: none. */
  readonly turnId: string | null;
}

/** The message that a row is; null: it is none. */
export function messageOf(row: Row): Message | null {
  switch (row.kind) {
    case "prompt":
      return { own: true, text: row.turn.content, at: row.at, turnId: row.turn.turnId };
    case "steer":
      return { own: true, text: row.content, at: row.at, turnId: null };
    case "text":
      return row.live ? null : { own: false, text: row.text, at: row.at, turnId: null };
    default:
      return null;
  }
}

/** As the mail's and Markdown's quote, with room for an answer. What was written before stays above. */
export function quoted(text: string, before: string): string {
  const quote = text
    .trim()
    .split("\n")
    .map((line) => (line === "" ? ">" : `> ${line}`))
    .join("\n");
  return `${before.trim() === "" ? "" : `${before.trimEnd()}\n\n`}${quote}\n\n`;
}
