/** A file name that is being typed after an @. */
export interface Mention {
  /** Where the @ is. */
  readonly start: number;
  readonly query: string;
}

const LONGEST = 200;

/** What is being completed at the caret: an @ at the beginning of a word, and what follows up to the caret. Null: nothing is. */
export function mentionAt(text: string, caret: number): Mention | null {
  const before = text.slice(Math.max(0, caret - LONGEST), caret);
  const found = /(?:^|[\s("'`[{])@(?:"([^"\n]*)|([^\s"]*))$/.exec(before);
  if (!found) return null;
  const query = found[1] ?? found[2] ?? "";
  return { start: caret - query.length - (found[1] === undefined ? 1 : 2), query };
}

/** The text with the mention in place of what was typed, and where the caret goes. */
export function withMention(
  text: string,
  caret: number,
  mention: Mention,
  path: string,
): { readonly text: string; readonly caret: number } {
  const written = /[\s"]/.test(path) ? `@"${path}"` : `@${path}`;
  const rest = text.slice(caret);
  const space = /^\s/.test(rest) ? "" : " ";
  return { text: text.slice(0, mention.start) + written + space + rest, caret: mention.start + written.length + 1 };
}
